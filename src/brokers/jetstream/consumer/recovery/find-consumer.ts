import { type Clock, sleep } from "../../../../traits/clock.ts";
import { isTidelaneError } from "../../../../traits/errors.ts";
import type { ServerConnection } from "../../../nats/client.ts";
import { RequestFault, textOf } from "../../../nats/errors.ts";
import { Backoff } from "../../../shared/backoff.ts";
import type { Consumer } from "../../topology/topology.ts";

/** A shared consumer may be gone for a moment, because `seek()` deletes it and creates it again. */
const goneMs = 2_000;

/** What finding a consumer again works with. */
export interface RecoveryContext {
  readonly server: ServerConnection;
  readonly clock: Clock;
  /** How long what passes by itself may take. */
  readonly recoveryMs: number;
  readonly signal: AbortSignal;
}

/**
 * What became of a consumer: "same", or "renewed" where it was away in between; "gone" for good, alone or with its
 * stream; "disconnected" where the connection is lost and there is nothing to do until it is back.
 */
export type ConsumerState = "same" | "renewed" | "gone" | "stream gone" | "disconnected";

/** Looks for a consumer until it is known what became of it. Rejects, with the reason, where that takes too long. */
export async function findConsumerAgain(
  consumer: Consumer,
  context: RecoveryContext,
  wasDeleted: boolean,
): Promise<ConsumerState> {
  const { server, clock, recoveryMs, signal } = context;
  const backoff = new Backoff({ initialMs: 100, maxMs: 500 });
  const begun = clock.now();
  let missing = wasDeleted;
  for (;;) {
    if (!server.up) return "disconnected";
    let reason = "it was deleted";
    try {
      const there = await consumer.isThere();
      if (there === "yes") return missing ? "renewed" : "same";
      if (consumer.isEphemeral && there === "no") return "gone";
      if (missing && clock.now() - begun >= goneMs) return there === "no" ? "gone" : "stream gone";
      missing = true;
    } catch (error) {
      if (signal.aborted || !server.up) return "disconnected";
      reason = textOf(error);
    }
    if (clock.now() - begun >= recoveryMs) throw new Error(`not found again in ${recoveryMs} ms: ${reason}`);
    await sleep(clock, backoff.next(), signal);
  }
}

/** Does `work` again until it succeeds, is refused, or takes too long. For what must not be left half done. */
export async function retry(
  work: () => Promise<void>,
  { clock, recoveryMs, signal }: RecoveryContext,
): Promise<void> {
  const backoff = new Backoff({ initialMs: 100, maxMs: 2_000 });
  const begun = clock.now();
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const passes = error instanceof RequestFault || isTidelaneError(error, "TIDELANE_TIMEOUT");
      if (!passes || clock.now() - begun >= recoveryMs) throw error;
    }
    await sleep(clock, backoff.next(), signal);
  }
}

/** Recreates an ephemeral consumer that was deleted, so that it starts at this sequence of the stream. */
export async function resumeAt(sequence: number, consumer: Consumer): Promise<void> {
  const { last_seq = 0 } = (await consumer.streamInfo())?.state ?? {};
  // A stream that was deleted and created again counts from 1.
  if (last_seq + 1 < sequence) throw new Error("its stream was deleted and created again");
  await consumer.recreateAt({ sequence });
}
