/** Whether deliveries come one by one as the consumer numbers them, where no other subscription reads from it. */
export class SequenceCheck {
  /** The consumer sequence that comes next; undefined where nobody knows, and others may read too. */
  #next: number | undefined = undefined;

  begin(next: number): void {
    this.#next = next;
  }

  end(): void {
    this.#next = undefined;
  }

  /** What is wrong with a delivery: one before it is missing, or there is no room for it. */
  fault(consumerSequence: number, hasRoom: boolean): string | undefined {
    if (this.#next === undefined) return undefined;
    if (consumerSequence === this.#next && hasRoom) {
      this.#next += 1;
      return undefined;
    }
    return hasRoom ? `its delivery ${this.#next} did not come` : "more came than there is room for";
  }
}
