import { type BatchSubscriber, isTidelaneError, type Message } from "../../src/traits/index.ts";
import { isBatching } from "../abilities.ts";
import { nameOf } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";
import type { SubscriberActor } from "./subscriber-actor.ts";

const laws = ["one-iterator", "batches-bounded"] as const;
const options = { max: 2, maxWaitMs: 10 } as const;

/** A second loop beside one that is active, of either kind, throws; one of batches may do so at its first `next()`. */
export async function refusesLoop(
  stage: Stage,
  subscriber: SubscriberActor,
  kind: "plain" | "batches",
): Promise<void> {
  const { handle, name } = subscriber;
  if (kind === "batches" && !isBatching(handle)) return;
  stage.judged(["one-iterator"]);
  const words = kind === "plain" ? "a second loop" : "a loop of batches";
  const line = stage.trace.line(`${words} over ${name}`);
  try {
    const loop = kind === "batches" ? batchesOf(handle as BatchSubscriber) : handle[Symbol.asyncIterator]();
    // A plain loop is refused before anybody asks it for a delivery.
    const began = kind === "plain" ? undefined : loop.next();
    const answered = began !== undefined && (await stage.pace.within(began, 0));
    if (answered) await began;
    line.outcome("began");
    void began?.catch(() => undefined);
    void loop.return?.()?.catch(() => undefined);
  } catch (error) {
    line.outcome(nameOfError(error));
    if (isTidelaneError(error, "TIDELANE_SUBSCRIBER_BUSY")) return;
  }
  // The subscription may be closed by now, and then no other loop is active.
  if (subscriber.seat.state !== "open") return;
  const observed = `${words} over ${name} did not throw SubscriberBusyError`;
  stage.violate(["one-iterator"], observed, "one iterator at a time");
}

/**
 * A loop of batches that begins where no other is active, refuses others beside it, and is left while its batch forms.
 * What the batch had goes to the next loop.
 */
export function leaveBatch(stage: Stage, subscriber: SubscriberActor): Promise<void> {
  const { handle, looping } = subscriber;
  if (!isBatching(handle) || looping || subscriber.batching !== undefined) return Promise.resolve();
  stage.uses.add("batches-bounded");
  const left = beginAndLeave(stage, subscriber, handle).finally(() => {
    subscriber.batching = undefined;
  });
  subscriber.batching = left;
  return left;
}

async function beginAndLeave(
  stage: Stage,
  subscriber: SubscriberActor,
  handle: BatchSubscriber,
): Promise<void> {
  const { name, seat } = subscriber;
  const { pace, ledger, trace, told } = stage;
  // What the loop before was given is told before what this one is given.
  const heard = Promise.all([told, subscriber.heard()]);
  const line = trace.line(`begin a loop of batches over ${name}`);
  const pulledAt = ledger.event;
  const take = (batch: readonly Message[]): void => {
    const deliveries = batch.map((message) => ledger.delivered(seat, message, pulledAt));
    line.outcome(deliveries.map((each) => (each === undefined ? "a stranger" : nameOf(each))).join(" "));
    if (batch.length > 0 && batch.length <= options.max) return;
    const observed = `a batch with max ${options.max} has ${batch.length} deliveries`;
    stage.violate(["batches-bounded"], observed, `1 to ${options.max}`);
  };
  ledger.forming(seat, seat.state === "open");
  try {
    const loop = batchesOf(handle);
    const answer = loop.next().then(async (result) => {
      await heard;
      if (result.done !== true) take(result.value);
    });
    line.awaits(answer);
    await pace.within(answer, 0);
    if (seat.state === "open") await refusesLoop(stage, subscriber, "plain");
    trace.line(`break the loop of batches over ${name}`);
    ledger.broke(seat);
    const ended = Promise.all([loop.return?.(), answer]).then(() => undefined);
    await stage.track(`return() of a loop of batches over ${name}`, ["break-loses-nothing", ...laws], ended);
  } catch (error) {
    const observed = `a loop of batches over ${name} rejected with ${nameOfError(error)}`;
    if (seat.state === "open") stage.violate(laws, observed, "it begins, and ends by return()");
    else subscriber.told();
  } finally {
    ledger.forming(seat, false);
  }
}

function batchesOf(handle: BatchSubscriber): AsyncIterator<Message[]> {
  return handle.batches(options)[Symbol.asyncIterator]();
}
