import { isTidelaneError } from "../../src/traits/index.ts";
import { type LawName, LawViolation } from "../law.ts";
import { type Book, type Delivery, nameOf } from "./records.ts";

/** What contradicts the contract. */
interface Fault {
  readonly laws: readonly LawName[];
  readonly observed: string;
  readonly expected: string;
}

/**
 * The signals of all deliveries. A signal that nobody has read is made when somebody does, so every second message is
 * listened to from its delivery on, and of the others the signal is read only once they are revoked.
 */
export class Signals {
  readonly #book: Book;
  readonly #aborts: Map<Delivery, number> = new Map();
  /** What was reported of already: once is enough. */
  readonly #judged: Set<Delivery> = new Set();

  constructor(book: Book) {
    this.#book = book;
  }

  watch(delivery: Delivery): void {
    if (delivery.copy.posting.id % 2 === 0) return;
    this.#aborts.set(delivery, 0);
    delivery.message.signal.addEventListener("abort", () => {
      this.#aborts.set(delivery, (this.#aborts.get(delivery) ?? 0) + 1);
    });
  }

  /** At rest. `crashed`: a settle that was answered may have been lost with its connection. */
  judge(deliveries: readonly Delivery[], crashed: boolean): void {
    for (const delivery of deliveries) {
      if (this.#judged.has(delivery)) continue;
      const fault =
        this.#repeated(delivery) ?? this.#inconsistent(delivery) ?? this.#untold(delivery, crashed);
      if (fault === undefined) continue;
      this.#judged.add(delivery);
      this.#book.report(
        new LawViolation(fault.laws, {
          observed: `the signal of ${nameOf(delivery)} ${fault.observed}`,
          expected: fault.expected,
        }),
      );
    }
  }

  #repeated(delivery: Delivery): Fault | undefined {
    const aborts = this.#aborts.get(delivery) ?? 0;
    if (aborts <= 1) return undefined;
    const expected = "a signal aborts once";
    return { laws: lawsOf(delivery), observed: `has aborted ${aborts} times`, expected };
  }

  /** The signal and `revoked` say the same. */
  #inconsistent(delivery: Delivery): Fault | undefined {
    const { message } = delivery;
    const { revoked } = message;
    if (revoked === undefined && !this.#aborts.has(delivery)) return undefined;
    const { aborted, reason } = message.signal;
    const laws = lawsOf(delivery);
    if (revoked === undefined) {
      const state = delivery.settle?.answer === "ok" ? "was settled" : "is not revoked";
      const observed = `has aborted, and the delivery ${state}`;
      return aborted ? { laws, observed, expected: "it aborts when the delivery is revoked" } : undefined;
    }
    if (!aborted) {
      return {
        laws,
        observed: "has not aborted, and the delivery is revoked",
        expected: "a revocation aborts the signal",
      };
    }
    if (reason === revoked && isTidelaneError(revoked, "TIDELANE_DELIVERY_REVOKED")) return undefined;
    const observed = `gives another reason than the delivery's revocation: ${String(reason)}`;
    return { laws, observed, expected: "its reason is the DeliveryRevokedError" };
  }

  /** What the ledger knows of the delivery, the delivery knows too. */
  #untold(delivery: Delivery, crashed: boolean): Fault | undefined {
    const { message, phase, settle, seat } = delivery;
    if (seat.capabilities.settlement !== "ack") return undefined;
    const laws = lawsOf(delivery);
    if (phase === "revoked" && settle === undefined && message.revoked === undefined && this.#book.virtual) {
      const observed = "has not aborted, although nothing is left to settle";
      return { laws, observed, expected: "a delivery that is revoked says so, also when nobody settles it" };
    }
    const doubtful = crashed || seat.group.moving || !this.#book.virtual;
    if (settle?.answer !== "ok" || message.revoked === undefined || doubtful) return undefined;
    const observed = `has aborted (${message.revoked.reason}), and the delivery was settled before`;
    return { laws, observed, expected: "what was settled is not revoked" };
  }
}

function lawsOf({ deadline }: Delivery): LawName[] {
  return deadline < Number.POSITIVE_INFINITY
    ? ["settle-after-revocation", "ack-deadline"]
    : ["settle-after-revocation"];
}

/** What the message says of itself when a settle was answered. */
export function guardFault(delivery: Delivery, error: unknown, before: "held" | "over"): Fault | undefined {
  const { message } = delivery;
  if (isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED")) {
    if (message.revoked !== undefined && message.signal.aborted) return undefined;
    const observed = `the signal of ${nameOf(delivery)} had not aborted when a settle rejected with DeliveryRevokedError`;
    return { laws: lawsOf(delivery), observed, expected: "the signal aborts no later than that" };
  }
  if (before === "over") return undefined;
  const unsupported = isTidelaneError(error, "TIDELANE_SETTLE_UNSUPPORTED");
  if (error !== undefined && !unsupported) return undefined;
  if (message.settled === !unsupported) return undefined;
  const observed = `${nameOf(delivery)} says settled = ${message.settled} when its settle ${unsupported ? "was refused as unsupported" : "resolved"}`;
  return {
    laws: ["single-use"],
    observed,
    expected: "settled is true from a settle that was accepted on, and only then",
  };
}
