import type { Subscriber } from "tidelane";
import type { Contact, ServerKind } from "../brokers/recipe.ts";
import type { FaultKind, FaultPlan } from "./plan.ts";

/**
 * What a fault run has to know of one broker. To add one: a file beside this one that exports a plug-in, and a line in
 * plug-ins.ts. A plug-in is loaded in two kinds of processes, the run's own (which declares and publishes) and the
 * consumers', and keeps no state between them: everything it needs comes in its arguments.
 *
 * All connections go through a proxy that cuts and stalls them, so `connect` must go to `line.port` of 127.0.0.1 and
 * nowhere else, also when the server tells it another address (Kafka does). A connection must give up one that stalls
 * within a few seconds: set heartbeats and timeouts low. It must never give up coming back.
 */
export interface FaultPlugIn {
  readonly name: string;
  readonly server: ServerKind;
  /** Lines for the end of the server's configuration. */
  readonly serverConfig?: readonly string[];
  /** Faults beside those that every broker is put through. */
  readonly furtherKinds: readonly FaultKind[];
  /**
   * A message whose publish was tried again is in the topic once all the same, as it has an id or a sequence. Where not,
   * copies by the publisher are counted, apart from what the broker delivers again.
   */
  readonly storesOnce: boolean;
  /** So long after everything was handled, nothing can come again any more. Milliseconds. */
  readonly quietMs: number;
  connect(line: Line): Promise<Station>;
  /**
   * How many of the messages that were handled may be handled once more because of this fault: no more than what was in
   * flight then, in the sense the broker gives to it. The reason stands beside it, in `repeatsWhy`.
   */
  mostRepeats(fault: FaultPlan, facts: FaultFacts): number;
  /** Why `mostRepeats` is what it is, in a line for the report. */
  readonly repeatsWhy: string;
}

/** How to get to the server. */
export interface Line {
  /** What the server itself says of itself: its credentials, and an address that is not to be used. */
  readonly contact: Contact;
  /** Where the proxy listens, on 127.0.0.1. */
  readonly port: number;
}

/** Where a round takes place; a name no other round has. Letters, digits and dashes. */
export interface Place {
  readonly topic: string;
  readonly group: string;
  /** The most deliveries one consumer may hold unsettled: `maxInFlight` of the source. */
  readonly inFlight: number;
}

/** One connection, as the run and the consumers use it. */
export interface Station {
  /** Creates what has to be there before anything is published, so that it outlives a SIGKILL of the server. */
  declare(place: Place): Promise<void>;
  /** Joins the group. Everything that was published since `declare` and nobody of the group has settled comes. */
  subscribe(place: Place): Promise<Subscriber>;
  /** Resolves when the server has confirmed it. It is called again, with the same parcel, when it rejects. */
  publish(place: Place, parcel: Parcel): Promise<void>;
  /**
   * How many messages the server holds for settled. Asked after a server was killed and is back, where it may have
   * forgotten what it was told last: `mostRepeats` gets the difference as `forgotten`. Left out where it does not forget.
   */
  settled?(place: Place): Promise<number>;
  close(): Promise<void>;
}

export interface Parcel {
  readonly key: string;
  readonly payload: string;
  /** The same whenever this message is published again, and no other's. */
  readonly id: string;
}

export interface FaultFacts {
  /** As in `Place`. */
  readonly inFlight: number;
  /** Consumers when the fault began. */
  readonly members: number;
  /** How many messages were handled in so many milliseconds before the fault began. */
  handledBefore(ms: number): number;
  /** Messages that were handled when the fault began, and that the server did not know to be settled when it was back. */
  readonly forgotten: number;
}

/** The server's URL with the proxy in the place of its host and port. */
export function throughProxy({ contact, port }: Line): string {
  const url = new URL(contact.address);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return url.toString();
}
