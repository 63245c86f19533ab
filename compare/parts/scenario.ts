import { randomFrom } from "../../src/testing/random.ts";

/** What the handler does with a message: succeed, throw at the first attempt, or throw at every attempt. */
export type Behavior = "succeeds" | "fails-once" | "always-fails";

/** One message. Its payload is this record, so that a handler in any language needs nothing else. */
export interface Order {
  /** Position in the order of publishing, from 0. */
  readonly id: number;
  readonly key: string;
  /** Position among the messages of its key, from 1. */
  readonly sequence: number;
  readonly delayMs: number;
  readonly behavior: Behavior;
}

export interface Scenario {
  readonly seed: number;
  readonly orders: readonly Order[];
  /** SIGKILL when so many different messages were handled. */
  readonly killsAt: readonly number[];
}

export const keys = 50;
/** Attempts in all, for a message that fails. */
export const attempts = 5;
const longestDelayMs = 8;
const failureRate = 1 / 20;

/** The same numbers give the same messages, delays and failures. */
export function scenarioOf(seed: number, messages: number): Scenario {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const lengths = new Map<string, number>();
  const poison = Math.floor(messages / 2);
  const orders = Array.from({ length: messages }, (_, id): Order => {
    const key = `key-${below(keys)}`;
    const sequence = (lengths.get(key) ?? 0) + 1;
    lengths.set(key, sequence);
    const delayMs = 1 + below(longestDelayMs);
    const fails = random() < failureRate;
    const behavior = id === poison ? "always-fails" : fails ? "fails-once" : "succeeds";
    return { id, key, sequence, delayMs, behavior };
  });
  return { seed, orders, killsAt: [Math.floor(messages / 3), Math.floor((messages * 2) / 3)] };
}
