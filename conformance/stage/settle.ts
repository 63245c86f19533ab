import { isTidelaneError } from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import { payloadFault } from "../model/fidelity.ts";
import { type Delivery, nameOf, type SettleHow } from "../model/records.ts";
import { nameOfError, type SettleTicket } from "../model/settling.ts";
import { guardFault } from "../model/signals.ts";
import type { Stage } from "./stage.ts";

/** Settles a delivery, whatever has become of it; the ledger knows which answer is right. */
export async function settle(stage: Stage, delivery: Delivery, how: SettleHow, delayMs = 0): Promise<void> {
  const suffix = how === "delay" ? ` ${delayMs} ms` : "";
  const words = { ack: "ack", requeue: "requeue", drop: "drop", delay: "nackAfter" } as const;
  const again =
    delivery.settle !== undefined ? ", a second time" : delivery.phase === "revoked" ? ", revoked" : "";
  const line = stage.trace.line(`${words[how]} ${nameOf(delivery)}${suffix}${again}`);
  checkKept(stage, delivery);
  const ticket = stage.ledger.settling(delivery, how, delayMs);
  const settled = (error: unknown): void => {
    stage.ledger.settled(delivery, ticket, error);
    checkGuard(stage, delivery, ticket, error);
  };
  const answer = call(delivery, how, delayMs).then(
    () => settled(undefined),
    (error: unknown) => {
      line.outcome(nameOfError(error));
      settled(error ?? new Error("nothing"));
    },
  );
  line.awaits(answer);
  const laws: LawName[] = ["conservation", how === "ack" ? "ack-is-final" : "requeue-redelivers"];
  await stage.track(`${words[how]} on ${nameOf(delivery)}`, laws, answer);
  if (isOver(ticket)) await refusesKeepAlive(stage, delivery, ticket);
}

/** The delivery had been settled, or was revoked, before this settle. */
function isOver({ expected }: SettleTicket): boolean {
  return expected === "already settled" || expected === "revoked";
}

/** `signal` and `settled` fit the answer of a settle. */
function checkGuard(stage: Stage, delivery: Delivery, ticket: SettleTicket, error: unknown): void {
  const fault = guardFault(delivery, error, isOver(ticket) ? "over" : "held");
  if (fault === undefined) return;
  stage.violate(fault.laws, fault.observed, fault.expected);
}

/** Nothing is prolonged where nothing can be settled. */
async function refusesKeepAlive(stage: Stage, delivery: Delivery, { expected }: SettleTicket): Promise<void> {
  const [code, law] =
    expected === "revoked"
      ? (["TIDELANE_DELIVERY_REVOKED", "settle-after-revocation"] as const)
      : (["TIDELANE_ALREADY_SETTLED", "single-use"] as const);
  const error = await delivery.message.keepAlive().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isTidelaneError(error, code)) return;
  const answer = error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`;
  const observed = `keepAlive() on ${nameOf(delivery)}, which is ${expected}, ${answer}`;
  stage.violate([law], observed, "it rejects as a settle would");
}

/** What its holder has read it may read again: a broker does not use the memory of a payload for the next one. */
function checkKept(stage: Stage, delivery: Delivery): void {
  const { copy, message, phase } = delivery;
  if (phase === "revoked" || delivery.settle !== undefined) return;
  const fault = payloadFault(copy.posting, message);
  if (fault === undefined) return;
  const laws: LawName[] = copy.posting.setAside === undefined ? [] : ["dead-letter"];
  const observed = `${nameOf(delivery)}, while it is held, ${fault}`;
  stage.violate(["payload-fidelity", ...laws], observed, "a payload stays as it is");
}

export async function keepAlive(stage: Stage, delivery: Delivery): Promise<void> {
  const line = stage.trace.line(`keepAlive ${nameOf(delivery)}`);
  const calledAt = stage.pace.clock.now();
  const answer = delivery.message.keepAlive();
  line.awaits(answer);
  try {
    await stage.track(`keepAlive on ${nameOf(delivery)}`, ["ack-deadline"], answer);
    stage.ledger.keptAlive(delivery, calledAt);
  } catch (error) {
    line.outcome(nameOfError(error));
    if (!stage.ledger.isHeld(delivery)) return;
    const observed = `keepAlive() on ${nameOf(delivery)} rejected with ${nameOfError(error)}`;
    stage.violate(["ack-deadline"], observed, "it extends the deadline of a delivery that is held");
  }
}

function call({ message }: Delivery, how: SettleHow, delayMs: number): Promise<void> {
  switch (how) {
    case "ack":
      return message.ack();
    case "requeue":
      return message.nack();
    case "drop":
      return message.nack({ requeue: false });
    case "delay":
      return message.nackAfter(delayMs);
    default:
      return how satisfies never;
  }
}
