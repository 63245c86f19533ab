import { isTidelaneError } from "../../src/traits/index.ts";
import { type LawName, LawViolation } from "../law.ts";
import { type Book, type Delivery, nameOf, type SettleHow } from "./records.ts";

export type ExpectedAnswer = "ok" | "ok or revoked" | "revoked" | "already settled";

/** A settle on its way, with the answers it may get. */
export interface SettleTicket {
  readonly how: SettleHow;
  readonly expected: ExpectedAnswer;
}

/**
 * What an answer means for the message: the settle took effect, the delivery was revoked instead, the transport cannot do
 * it, it is not known, or it was a settle that had no right to take effect ("refused").
 */
export type Verdict = "done" | "revoked" | "unsupported" | "unknown" | "refused";

export function expectedAnswer(delivery: Delivery): ExpectedAnswer {
  if (delivery.settle !== undefined) return "already settled";
  if (delivery.phase === "revoked") return "revoked";
  return delivery.phase === "leaving" || delivery.seat.group.moving ? "ok or revoked" : "ok";
}

export function judgeSettle(book: Book, delivery: Delivery, ticket: SettleTicket, error: unknown): Verdict {
  const violate = (laws: readonly LawName[], observed: string, expected: string): void =>
    book.report(
      new LawViolation(laws, {
        observed: `${callOf(ticket.how)} on ${nameOf(delivery)} ${observed}`,
        expected,
      }),
    );
  const answer = error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`;
  switch (ticket.expected) {
    case "already settled":
      book.judged(["single-use"]);
      if (!isTidelaneError(error, "TIDELANE_ALREADY_SETTLED"))
        violate(["single-use"], answer, "a second settle rejects with AlreadySettledError");
      return "refused";
    case "revoked":
      book.judged(["settle-after-revocation"]);
      if (!isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED"))
        violate(
          ["settle-after-revocation"],
          answer,
          "settling a revoked delivery rejects with DeliveryRevokedError",
        );
      return "refused";
    case "ok":
    case "ok or revoked":
      book.judged(["capabilities-match", ...delivery.copy.taints]);
      return judgeFirst(delivery, ticket, error, (observed, expected) =>
        violate([...lawsOf(ticket.how), ...delivery.copy.taints], observed, expected),
      );
    default:
      return ticket.expected satisfies never;
  }
}

function judgeFirst(
  delivery: Delivery,
  ticket: SettleTicket,
  error: unknown,
  violate: (observed: string, expected: string) => void,
): Verdict {
  const { requeue } = delivery.seat.capabilities;
  const supported = requeue || ticket.how === "ack" || ticket.how === "drop";
  if (error === undefined) {
    if (!supported) violate("resolved", "what the capabilities exclude rejects with SettleUnsupportedError");
    return "done";
  }
  if (isTidelaneError(error, "TIDELANE_SETTLE_UNSUPPORTED") && !supported) return "unsupported";
  if (isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED")) {
    // The connection may have died while the settle was on its way.
    if (ticket.expected === "ok" && delivery.phase === "held")
      violate("rejected with DeliveryRevokedError", "a delivery that is held can be settled");
    return "revoked";
  }
  violate(`rejected with ${nameOfError(error)}`, "the first settle of a delivery that is held resolves");
  return "unknown";
}

function callOf(how: SettleHow): string {
  return { ack: "ack()", requeue: "nack()", drop: "nack({ requeue: false })", delay: "nackAfter()" }[how];
}

export function nameOfError(error: unknown): string {
  return error instanceof Error ? `${error.name} ("${error.message}")` : String(error);
}

function lawsOf(how: SettleHow): LawName[] {
  switch (how) {
    case "ack":
      return ["ack-is-final", "capabilities-match"];
    case "drop":
      return ["drop-is-final", "capabilities-match"];
    case "requeue":
    case "delay":
      return ["requeue-redelivers", "capabilities-match"];
    default:
      return how satisfies never;
  }
}
