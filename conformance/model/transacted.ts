import { copyIn, over, unsure } from "./copies.ts";
import type { Holdings } from "./holdings.ts";
import type { Posting } from "./posting.ts";
import type { Group } from "./records.ts";

const uncommitted = over("transaction-visibility", "its transaction has not committed");

/** What transactions hold back, and those of which nobody knows whether they committed. */
export class Transacted {
  readonly #holdings: Holdings;
  readonly #heldBack: Set<Posting> = new Set();
  readonly #undecided: Map<Posting, readonly Posting[]> = new Map();

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** It must not be seen until its transaction commits. */
  heldBack(posting: Posting): void {
    this.#heldBack.add(posting);
    for (const group of this.#holdings.groupsOf(posting)) copyIn(group, posting, unsure).state = uncommitted;
  }

  /** A group that opens meanwhile does not see it either. Whether it is such a message. */
  isHidden(group: Group, posting: Posting): boolean {
    if (!this.#heldBack.has(posting)) return false;
    copyIn(group, posting, uncommitted);
    return true;
  }

  /** The transaction is being committed: what it holds may come, in order. */
  committing(postings: readonly Posting[]): void {
    this.#holdings.tick();
    for (const posting of postings) {
      this.released(posting);
      for (const group of this.#holdings.groupsOf(posting)) {
        const copy = copyIn(group, posting, unsure);
        copy.state = unsure;
        copy.hazards.add("transaction-visibility");
      }
    }
  }

  /** Its transaction commits, or is over. */
  released(posting: Posting): void {
    this.#heldBack.delete(posting);
  }

  /** Nobody knows whether it committed: if one message of it shows, all of them are there. */
  undecided(postings: readonly Posting[]): void {
    for (const posting of postings) this.#undecided.set(posting, postings);
  }

  /** One message of a transaction was delivered. Gives all of it, if that is news. */
  shown(posting: Posting): readonly Posting[] {
    const all = this.#undecided.get(posting) ?? [];
    for (const each of all) this.#undecided.delete(each);
    return all;
  }
}
