import { byKey, type KeySelector } from "./key.ts";

/** If so many deliveries have no key, and none has one, the key was forgotten or is misspelt. */
const keylessToWarn = 100;

/** Notices that no delivery of a run with a key selector has a key. */
export class Keyless<Value> {
  readonly #selector: KeySelector<Value>;
  readonly #topic: string;
  readonly #workers: number;
  readonly #warn: (sentence: string) => void;
  #count = 0;

  constructor(
    selector: KeySelector<Value>,
    topic: string,
    workers: number,
    warn: (sentence: string) => void,
  ) {
    this.#selector = selector;
    this.#topic = topic;
    this.#workers = workers;
    this.#warn = warn;
  }

  /** Number `sequence` of the run, from 0, has no key. */
  add(sequence: number): void {
    this.#count += 1;
    // The sequence says that none of those before it had a key.
    if (this.#count === keylessToWarn && sequence === keylessToWarn - 1) this.#warn(this.#sentence());
  }

  #sentence(): string {
    const [what, cure] =
      this.#selector === byKey
        ? [
            `the first ${keylessToWarn} deliveries have no key`,
            "Publish with a key, set keyHeader, or compute one with by((value) => key)",
          ]
        : [
            `the key function returned undefined for the first ${keylessToWarn} deliveries`,
            "Return the key, or publish with one and use byKey",
          ];
    return `workers(${this.#workers}, key) over "${this.#topic}": ${what}, so they have no order. ${cure}.`;
  }
}
