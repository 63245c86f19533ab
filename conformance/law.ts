/**
 * A law is one promise of the contract. The harness checks it on generated histories.
 *
 * **To add a law**
 *
 * 1. Give it a name in `lawNames` below.
 * 2. Write `laws/<name>.ts`, which exports one `Law`, and list it in `laws/index.ts`.
 * 3. If some brokers are not held to it, say so in `claim`. `claims.ts` has the usual reasons.
 * 4. Choose a form for `property`:
 *    - `history(...)` (engine/history.ts): generated steps (steps/*.ts) on subscriptions that are set up first. The ledger
 *      (model/ledger.ts) sees every answer of the broker. It knows what may and what must happen, and names the laws that a
 *      contradiction breaks: arrival.ts checks deliveries, settling.ts checks the answers of settles, and holdings.ts
 *      remembers which messages are owed. Such a law is a choice of steps and weights. Its check is in model/, once.
 *    - `scenario(...)` (engine/scenario.ts): an arbitrary, and a function that plays it on a `Stage` and calls
 *      `stage.violate(...)` on a contradiction. Use it for what the ledger does not see: exact times, the runtime.
 *
 *    A law may have several histories, or both forms: `either(...)` (engine/either.ts) plays them in turn.
 * 5. Plant the fault that the law names in a memory broker, under test/conformance/planted, and see the law fail.
 *
 * **Which laws a contradiction breaks.** The ledger names every law that it may break. A delivery that is missing after a
 * `close()` breaks "conservation" and "close-returns-unsettled". A run for one law generates histories that are likely to
 * break that law. It fails on a contradiction of any law that the broker is held to, because a missing message is missing,
 * whatever the run looked for. If a contradiction does not count, the ledger accepts what it saw, and goes on.
 *
 * **What is not judged.** A check must report each moment at which a broker that breaks the law would have been caught, by
 * `book.judged(...)` or `stage.judged(...)` (model/chances.ts). If a law had no such moment in a whole run, the run says
 * nothing about the broker, and the law is reported as "not judged". So a new check without these reports is never judged.
 */
import type { IAsyncProperty } from "fast-check";
import type { Play } from "./engine/play.ts";
import type { Subject } from "./subject.ts";

/** The name of every law. */
export const lawNames = [
  "conservation",
  "payload-fidelity",
  "header-fidelity",
  "republish-keeps-headers",
  "key-order",
  "topic-isolation",
  "topic-names",
  "backlog",
  "ack-is-final",
  "drop-is-final",
  "requeue-redelivers",
  "requeue-keeps-place",
  "nack-after-never-early",
  "delivery-count-grows",
  "single-use",
  "independent-settles",
  "settle-after-revocation",
  "ack-deadline",
  "dead-letter",
  "prefetch-bound",
  "group-shares",
  "group-copies",
  "one-iterator",
  "break-loses-nothing",
  "close-returns-unsettled",
  "crash-returns-unsettled",
  "quiet-after-close",
  "close-idempotent",
  "publish-after-close",
  "publish-refuses",
  "publish-waits",
  "abort-is-prompt",
  "batches-bounded",
  "request-reply",
  "forwarded-request-is-answered",
  "seek-lands",
  "transaction-visibility",
  "pattern",
  "pause-holds",
  "capabilities-match",
  "description-without-credentials",
  "lanes-exclusive",
  "lanes-work-conserving",
  "retry-keeps-key-order",
  "drain-finishes",
] as const;

export type LawName = (typeof lawNames)[number];

export interface Law {
  readonly name: LawName;
  /** What is promised, in a sentence or two. */
  readonly promise: string;
  /** Why a broker is not held to this law; `undefined` if it is. Without `claim`, every broker is. */
  readonly claim?: (subject: Subject) => string | undefined;
  /** Why nothing that this broker does could break the law. It is the reason in the report if the law is not judged. */
  readonly blind?: (subject: Subject) => string | undefined;
  /** How many histories this law plays, as a share of the number asked for. @default 1 */
  readonly effort?: number;
  /** The generated histories, and how to play them. */
  readonly property: (play: Play) => IAsyncProperty<unknown>;
}

/** A contradiction between what was observed and what was promised. */
export class LawViolation extends Error {
  override readonly name = "LawViolation";
  /** Every law it breaks. */
  readonly laws: ReadonlySet<LawName>;
  readonly observed: string;
  readonly expected: string;

  constructor(laws: Iterable<LawName>, facts: { observed: string; expected: string }) {
    super(`${facts.observed}; promised was: ${facts.expected}`);
    this.laws = new Set(laws);
    this.observed = facts.observed;
    this.expected = facts.expected;
  }
}
