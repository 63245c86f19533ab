import type { Order } from "./scenario.ts";

export const contestants = [
  "raw",
  "promise-chain",
  "promise-chain-retry",
  "nestjs",
  "bullmq",
  "bullmq-priority",
  "faststream",
  "tidelane",
] as const;
export type Name = (typeof contestants)[number];

/** The server a contestant stands on, for one run: with a queue of its own, which goes with `remove`. */
export interface Station {
  /** The server with its version. */
  readonly server: string;
  readonly address: string;
  readonly queue: string;
  readonly deadQueue: string;
  /** Resolves when the server has confirmed every message. */
  publish(orders: readonly Order[]): Promise<void>;
  holdings(): Promise<Holdings>;
  remove(): Promise<void>;
}

/** What the server still has. */
export interface Holdings {
  /** Messages that wait or are being handled. */
  readonly queued: number;
  /** Ids of the messages that were set aside: in the dead letter queue, or in BullMQ's failed set. */
  readonly deadLettered: readonly number[];
}

/** How a contestant's process is started. */
export interface Consumer {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Packages with their versions. */
  readonly versions: string;
}

/** Something that a contestant needs cannot be had on this machine. The message is one sentence. */
export class UnavailableError extends Error {}
