import { type Channel, channel } from "node:diagnostics_channel";
import type { Message } from "./message.ts";

/** What comes next for the delivery that something failed for. */
export type NextStep =
  /** It runs again here, after `delayMs`; its lane waits. */
  | { readonly kind: "retry"; readonly delayMs: number }
  /** It is given back to the broker, to come again after `delayMs`. */
  | { readonly kind: "redeliver"; readonly delayMs: number }
  | { readonly kind: "dead-letter" }
  | { readonly kind: "drop" }
  /** The handler is not run again. Its settle, or the publish of its dead letter, is, after `delayMs`; its lane waits. */
  | { readonly kind: "settle"; readonly delayMs: number }
  /** The time is up and the wait goes on: the lane for its handler, or the run for what its publisher says of a topic. */
  | { readonly kind: "wait" }
  /** The run ends with this error, and what is in flight goes back to the broker. */
  | { readonly kind: "end" }
  /** Nothing: the delivery was settled or revoked, or the failure is no delivery's. */
  | { readonly kind: "none" };

/** A failure that no promise carries. */
export interface ErrorReport {
  readonly error: unknown;
  /** Of the message; of the subscription for a failure that is no delivery's. */
  readonly topic: string;
  readonly message?: Message;
  /** Of the lane; `undefined` without one. */
  readonly key?: string | undefined;
  /** The attempt that failed. */
  readonly attempt?: number;
  /** Pipelines say it. */
  readonly next?: NextStep;
}

/** What each channel publishes. Subscribe with `node:diagnostics_channel`; without a subscriber nothing is built. */
export interface DiagnosticEvents {
  /** A delivery was taken by a pipeline. */
  "tidelane:delivery": { readonly message: Message };
  /** A delivery left a pipeline: the outcome, and the error when the settle itself failed. */
  "tidelane:settle": {
    readonly message: Message;
    readonly outcome: string;
    readonly attempt: number;
    readonly error?: unknown;
  };
  /** A handler failed or asked for it: the delivery runs again after `delayMs`. */
  "tidelane:retry": {
    readonly message: Message;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: unknown;
  };
  /** Something went wrong that nobody is awaiting: a dropped payload, a failing continuation, a failed keepAlive. */
  "tidelane:error": ErrorReport;
  /** A connection went away ("lost"), or came back ("restored"). */
  "tidelane:reconnect": {
    readonly broker: string;
    readonly state: "lost" | "restored";
    readonly attempt: number;
    readonly error?: unknown;
  };
}

export type DiagnosticName = keyof DiagnosticEvents;

export interface DiagnosticChannel<Event> {
  readonly hasSubscribers: boolean;
  publish(event: Event): void;
}

function open<Name extends DiagnosticName>(name: Name): DiagnosticChannel<DiagnosticEvents[Name]> {
  return channel(name) as Channel as DiagnosticChannel<DiagnosticEvents[Name]>;
}

/** The channels, held once. Read `hasSubscribers` before building an event. */
export const diagnostics: { readonly [Name in DiagnosticName]: DiagnosticChannel<DiagnosticEvents[Name]> } = {
  "tidelane:delivery": open("tidelane:delivery"),
  "tidelane:settle": open("tidelane:settle"),
  "tidelane:retry": open("tidelane:retry"),
  "tidelane:error": open("tidelane:error"),
  "tidelane:reconnect": open("tidelane:reconnect"),
};
