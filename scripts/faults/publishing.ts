import { randomFrom } from "../../src/testing/random.ts";
import { payloadOf } from "./journal.ts";
import type { Ledger } from "./ledger.ts";
import type { Place, Station } from "./plug-in.ts";

export interface PublishingSite {
  readonly station: Station;
  readonly place: Place;
  readonly ledger: Ledger;
  readonly messages: number;
  readonly keys: number;
  readonly seed: number;
}

/** Unconfirmed at most, one of each key. */
const mostUnconfirmed = 256;
/** So that publishing goes on for as long as handling does, and faults meet both. */
const mostAhead = 2_000;
const betweenTriesMs = 50;

/**
 * Publishes the messages of a round. One key is published one after the other, and what was not confirmed is published
 * again until it is: so the order of a key in the topic is known, whatever happens on the way.
 */
export class Publishing {
  readonly #site: PublishingSite;
  /** Of each key: when what was given to it so far is confirmed. */
  readonly #tails = new Map<string, Promise<void>>();
  #unconfirmed = 0;
  #published = 0;
  /** Attempts that were rejected. */
  #failures = 0;
  #lastFailure: unknown = undefined;
  #wake: () => void = () => {};
  #over = false;

  constructor(site: PublishingSite) {
    this.#site = site;
  }

  get failures(): number {
    return this.#failures;
  }

  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  /** Resolves when all is confirmed, or after `stop()`. */
  async run(): Promise<void> {
    const { messages, keys, seed } = this.#site;
    const random = randomFrom(seed);
    const sequences = new Map<string, number>();
    while (this.#published < messages && !this.#over) {
      if (!this.#hasRoom()) {
        await this.#news();
        continue;
      }
      // Some keys are a few times as busy as others.
      const key = String(Math.floor(keys * random() ** 1.3));
      const sequence = (sequences.get(key) ?? 0) + 1;
      sequences.set(key, sequence);
      this.#published += 1;
      this.#unconfirmed += 1;
      const before = this.#tails.get(key) ?? Promise.resolve();
      this.#tails.set(
        key,
        before.then(() => this.#confirm(key, sequence)),
      );
    }
    await Promise.all(this.#tails.values());
  }

  /** More may have been handled. */
  proceed(): void {
    this.#wake();
  }

  stop(): void {
    this.#over = true;
    this.#wake();
  }

  #hasRoom(): boolean {
    const ahead = this.#published - this.#site.ledger.handledCount;
    return this.#unconfirmed < mostUnconfirmed && ahead < mostAhead;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Does not reject. */
  async #confirm(key: string, sequence: number): Promise<void> {
    const { station, place, ledger } = this.#site;
    for (let copy = 1; !this.#over; copy += 1) {
      ledger.publishing({ key, sequence, copy });
      try {
        const payload = payloadOf({ key, sequence, copy });
        await station.publish(place, { key, payload, id: `${place.topic}-${key}-${sequence}` });
        ledger.confirmed(key, sequence);
        break;
      } catch (error) {
        this.#failures += 1;
        this.#lastFailure = error;
        await new Promise((resolve) => setTimeout(resolve, betweenTriesMs));
      }
    }
    this.#unconfirmed -= 1;
    this.#wake();
  }
}
