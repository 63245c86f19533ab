/**
 * A law is one promise of the contract, held against histories that are generated.
 *
 * **To add a law**
 *
 * 1. Give it a name in `lawNames` below.
 * 2. Write `laws/<name>.ts`, which exports one `Law`, and list it in `laws/index.ts`.
 * 3. Say in `claim` when a broker is not held to it, if there is such a case: the helpers are in `claims.ts`.
 * 4. Choose one of two forms for `property`:
 *    - `history(...)` (engine/history.ts): generated steps (steps/*.ts) over subscriptions that are set up first. Every
 *      answer of the broker goes through the ledger (model/ledger.ts), which knows what may and what must happen, and
 *      names the laws each contradiction breaks: arrival.ts judges what comes, settling.ts what a settle answers, and
 *      holdings.ts remembers what is owed and whom a loss would blame. Such a law is a choice of steps and weights; what
 *      it checks is written in model/, once, and names it there.
 *    - `scenario(...)` (engine/scenario.ts): an arbitrary and a function that plays it on a `Stage`, and calls
 *      `stage.violate(...)` on a contradiction. For promises that the ledger has no part in: exact times, the runtime.
 *
 *    A law may have both, or several histories: `either(...)` (engine/either.ts) plays them in turn.
 * 5. Plant the fault it names in a memory broker under test/conformance/planted and see the law fail with it.
 *
 * **How a violation is attributed.** The ledger reports each contradiction with every law it may break: a delivery that
 * is missing after a `close()` breaks "conservation" and "close-returns-unsettled". A run for one law generates what is
 * likely to break that one, and fails on a contradiction of any that the broker is held to: a message that is lost is
 * lost, whatever was looked for. At one that does not count the ledger takes what it saw as the new truth and goes on.
 *
 * **What is not judged.** A check tells the ledger's book, or `stage.judged(...)`, of every moment at which a broker that
 * breaks the law would have been caught (model/chances.ts). A law without such a moment in a whole run says nothing of
 * the broker: it is reported as "not judged". A new check has to count its moments too, or its law is never judged.
 */
import type { IAsyncProperty } from "fast-check";
import type { Play } from "./engine/play.ts";
import type { Subject } from "./subject.ts";

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
  /** What is promised, in one sentence. */
  readonly promise: string;
  /** Why a broker is not held to this law; `undefined` where it is. Left out, every broker is. */
  readonly claim?: (subject: Subject) => string | undefined;
  /** Why nothing this broker does could be held against the law; given as the reason where that is what came of it. */
  readonly blind?: (subject: Subject) => string | undefined;
  /** Histories for this law as a share of the number asked for. @default 1 */
  readonly effort?: number;
  /** What is generated and played. */
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
