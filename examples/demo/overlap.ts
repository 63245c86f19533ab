/** Starts calls one after the other without waiting for each, and has no more than so many under way. */
export class Overlap {
  readonly #most: number;
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when there is room for the next call; rejects with what an earlier one rejected with. */
  async add(call: () => Promise<void>): Promise<void> {
    const one = call().then(
      () => void this.#underWay.delete(one),
      (error: unknown) => {
        this.#underWay.delete(one);
        this.#failure ??= { error };
      },
    );
    this.#underWay.add(one);
    while (this.#underWay.size >= this.#most) await Promise.race(this.#underWay);
    this.#check();
  }

  /** Resolves when all is done; rejects with what one of the calls rejected with. */
  async done(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#check();
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
