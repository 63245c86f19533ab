import { type Channel, channel } from "node:diagnostics_channel";
import type { Message } from "./message.ts";

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
  "tidelane:error": { readonly topic: string; readonly error: unknown; readonly message?: Message };
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
