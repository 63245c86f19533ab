import type { LawName } from "../law.ts";
import { type Delivery, nameOf, type SettleHow } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";

/** Settles a delivery, whatever has become of it; the ledger knows which answer is right. */
export async function settle(stage: Stage, delivery: Delivery, how: SettleHow, delayMs = 0): Promise<void> {
  const suffix = how === "delay" ? ` ${delayMs} ms` : "";
  const words = { ack: "ack", requeue: "requeue", drop: "drop", delay: "nackAfter" } as const;
  const again = delivery.settle !== undefined ? ", a second time" : delivery.phase === "lost" ? ", lost" : "";
  const line = stage.trace.line(`${words[how]} ${nameOf(delivery)}${suffix}${again}`);
  const ticket = stage.ledger.settling(delivery, how, delayMs);
  const answer = call(delivery, how, delayMs).then(
    () => stage.ledger.settled(delivery, ticket, undefined),
    (error: unknown) => {
      line.outcome(nameOfError(error));
      stage.ledger.settled(delivery, ticket, error ?? new Error("nothing"));
    },
  );
  const laws: LawName[] = ["conservation", how === "ack" ? "ack-is-final" : "requeue-redelivers"];
  await stage.track(`${words[how]} on ${nameOf(delivery)}`, laws, answer);
}

export async function keepAlive(stage: Stage, delivery: Delivery): Promise<void> {
  const line = stage.trace.line(`keepAlive ${nameOf(delivery)}`);
  const calledAt = stage.pace.clock.now();
  try {
    await stage.track(`keepAlive on ${nameOf(delivery)}`, ["ack-deadline"], delivery.message.keepAlive());
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
