import { isDeepStrictEqual } from "node:util";
import { isTidelaneError, type Publisher } from "../../src/traits/index.ts";
import { isBatching, isPausable, isRequesting, isSeekable, isTransactional } from "../abilities.ts";
import { type Delivery, nameOf } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { settle } from "./settle.ts";
import type { Stage } from "./stage.ts";
import type { SubscriberActor } from "./subscriber-actor.ts";

const law = ["capabilities-match"] as const;

/** Two calls of `connect()` are two connections, both open. */
export async function checkConnections(stage: Stage): Promise<void> {
  const first = await stage.connect();
  const second = await stage.connect();
  if (first.connection === second.connection) {
    stage.violate(law, "connect() gave the same connection twice", "each call opens a connection of its own");
  }
  await first.close();
  const { state } = second.connection;
  if (state !== "open")
    stage.violate(law, `a new connection is "${state}"`, 'it is "open", whatever became of others');
}

/** The subscriber says what its source said, and has the methods for it. */
export function checkShape(
  stage: Stage,
  { handle, seat, name }: SubscriberActor,
  publisher: Publisher,
): void {
  const said = handle.capabilities;
  if (!isDeepStrictEqual({ ...said }, { ...seat.capabilities })) {
    const observed = `${name} says ${JSON.stringify(said)} and its source ${JSON.stringify(seat.capabilities)}`;
    stage.violate(law, observed, "they say the same");
  }
  const methods: readonly (readonly [claim: string, claimed: boolean, has: boolean])[] = [
    ["batches", said.batches, isBatching(handle)],
    ["seek", said.seek, isSeekable(handle)],
    ["pause", said.pause, isPausable(handle)],
    ["transactions", publisher.capabilities.transactions, isTransactional(publisher)],
    ["requestReply", publisher.capabilities.requestReply, isRequesting(publisher)],
  ];
  for (const [claim, claimed, has] of methods) {
    if (claimed && !has) stage.violate(law, `${claim} is claimed, and there is no method for it`, "there is");
  }
}

/** What a message is and can do: its key, its count, and every settle. */
export async function checkSettles(
  stage: Stage,
  connection: ConnectionActor,
  subscriber: SubscriberActor,
  key: string | undefined,
): Promise<void> {
  const { capabilities } = subscriber.seat;
  await stage.step(() => connection.publish({ topic: "A", key }));
  const delivery = await pullOne(stage, subscriber);
  if (delivery === undefined) return;
  await refusesBadDelay(stage, delivery, -1);
  await refusesBadDelay(stage, delivery, Number.NaN);
  // A requeue that is not supported leaves the message unsettled, and the ledger knows.
  await stage.step(() => settle(stage, delivery, "requeue"));
  const held = capabilities.requeue ? await pullOne(stage, subscriber) : delivery;
  if (held !== undefined) await stage.step(() => settle(stage, held, "ack"));
}

/** What a publisher says it carries, it carries; what it says it does not, it refuses. */
export async function checkCarries(
  stage: Stage,
  connection: ConnectionActor,
  subscriber: SubscriberActor,
): Promise<void> {
  const { duplicateHeaders, headerValues } = connection.publisher.capabilities;
  const twice = [["x-a", "1"] as const, ["X-A", "2"] as const];
  await carries(stage, connection, subscriber, "a header twice", twice, duplicateHeaders);
  const bytes = [["x-a", Uint8Array.of(255, 0)] as const];
  await carries(stage, connection, subscriber, "bytes in a header", bytes, headerValues === "bytes");
}

async function carries(
  stage: Stage,
  connection: ConnectionActor,
  subscriber: SubscriberActor,
  what: string,
  headers: readonly (readonly [string, string | Uint8Array])[],
  claimed: boolean,
): Promise<void> {
  const error = await connection.publish({ topic: "A", headers });
  const refused = isTidelaneError(error, "TIDELANE_INVALID_MESSAGE");
  if (claimed ? error !== undefined : !refused) {
    const observed = `publishing ${what} ${error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`}`;
    stage.violate(law, observed, claimed ? "it resolves" : "it rejects with InvalidMessageError");
  }
  if (error !== undefined) return;
  const delivery = await pullOne(stage, subscriber);
  if (delivery !== undefined) await stage.step(() => settle(stage, delivery, "ack"));
}

async function refusesBadDelay(stage: Stage, delivery: Delivery, delayMs: number): Promise<void> {
  const error = await delivery.message.nackAfter(delayMs).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT") && !delivery.message.settled) return;
  const observed = `nackAfter(${delayMs}) on ${nameOf(delivery)} ${error === undefined ? "resolved" : nameOfError(error)}`;
  stage.violate(law, observed, "it rejects with InvalidArgumentError and leaves the message unsettled");
}

async function pullOne(stage: Stage, subscriber: SubscriberActor): Promise<Delivery | undefined> {
  await stage.step(() => subscriber.pull());
  const [delivery] = stage.held();
  if (delivery === undefined) {
    stage.violate(
      [...law, "conservation"],
      `${subscriber.name} was given nothing`,
      "what was published comes",
    );
    stage.check();
  }
  return delivery;
}
