import { type Channel, channel } from "node:diagnostics_channel";
import type { Message } from "./message.ts";

/** What comes next for a delivery after a failure. */
export type NextStep =
  /** The handler runs again here, after `delayMs`; its lane waits. */
  | { readonly kind: "retry"; readonly delayMs: number }
  /** The message is requeued, and the broker delivers it again after `delayMs`. */
  | { readonly kind: "redeliver"; readonly delayMs: number }
  | { readonly kind: "dead-letter" }
  | { readonly kind: "drop" }
  /** After `delayMs`, the run tries again to settle the message or to publish its dead letter. The handler does not run again; its lane waits. */
  | { readonly kind: "settle"; readonly delayMs: number }
  /** The time is over, but the wait goes on: for a handler that ignored its timeout, or for a publisher's answer about the dead letter topic. */
  | { readonly kind: "wait" }
  /** The run ends with this error, and deliveries in flight stay unsettled. */
  | { readonly kind: "end" }
  /** Nothing: the delivery is settled or revoked, or no delivery is concerned. */
  | { readonly kind: "none" };

/** A failure that no promise carries. */
export interface ErrorReport {
  readonly error: unknown;
  /** The topic of the message, or of the subscription if no message is concerned. */
  readonly topic: string;
  /** The message; left out if none is concerned. */
  readonly message?: Message;
  /** The key of its lane; undefined if it has none. */
  readonly key?: string | undefined;
  /** The attempt that failed. */
  readonly attempt?: number;
  /** What comes next. Pipelines always say it. */
  readonly next?: NextStep;
}

/** What each channel of `node:diagnostics_channel` publishes. Without a subscriber, tidelane builds no event. */
export interface DiagnosticEvents {
  /** A pipeline took a delivery. */
  "tidelane:delivery": { readonly message: Message };
  /** A delivery left a pipeline. `error`: why its settle failed. */
  "tidelane:settle": {
    readonly message: Message;
    readonly outcome: string;
    readonly attempt: number;
    readonly error?: unknown;
  };
  /** A delivery will run again here, after `delayMs` milliseconds. */
  "tidelane:retry": {
    readonly message: Message;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: unknown;
  };
  /** Something failed that no promise carries: a payload that did not decode, `afterSettle` work, a `keepAlive()`. */
  "tidelane:error": ErrorReport;
  /** A connection was "lost", or is "restored". */
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
