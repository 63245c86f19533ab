/**
 * How often records were delivered in this subscription before their partition was taken away with them unsettled. It
 * keeps a record that ends its holder, or takes longer than the group waits, from looking new each time.
 */
export class DeliveryCounts {
  /** By topic and partition, then by offset. No more of a partition than may be delivered beyond its committed offset. */
  readonly #counts = new Map<string, Map<number, number>>();

  /** Forgets what was known of the partition, for what is known now. */
  replace(key: string, counts: Map<number, number>): void {
    if (counts.size > 0) this.#counts.set(key, counts);
    else this.#counts.delete(key);
  }

  /** Hands over, once, what is known of the partition. */
  take(key: string): Map<number, number> | undefined {
    const counts = this.#counts.get(key);
    this.#counts.delete(key);
    return counts;
  }
}
