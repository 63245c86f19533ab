import fc from "fast-check";
import { expect } from "vitest";
import { Outlet, type OutletIterator, type Supply } from "../../src/structures/outlet.ts";
import { SubscriberBusyError } from "../../src/traits/errors.ts";

export interface Item {
  readonly id: number;
}

export const item = (id: number): Item => ({ id });

/** What is here to be handed out, and what the outlet said. */
export class Stock implements Supply<Item> {
  readonly here: Item[] = [];
  wantedCalls = 0;
  releasedCalls = 0;

  take(max: number): Item[] {
    return this.here.splice(0, max);
  }

  wanted(): void {
    this.wantedCalls += 1;
  }

  async released(): Promise<void> {
    this.releasedCalls += 1;
  }
}

/** What the contract says, with arrays: the answers to calls are numbered by the calls. */
class Model {
  readonly here: number[] = [];
  readonly answers = new Map<number, string>();
  waiting: number[] = [];
  active = false;
  over = false;
  failing = false;

  next(call: number, onActive: boolean): void {
    this.waiting.push(call);
    if (onActive) this.serve();
    else this.#answerAll("done");
  }

  serve(): void {
    if (!this.active) return;
    while (this.waiting.length > 0 && this.here.length > 0) this.#answer(`item ${this.here.shift()}`);
    if (!this.over || this.waiting.length === 0) return;
    if (this.failing) this.#answer("error");
    this.failing = false;
    this.#answerAll("done");
    this.active = false;
  }

  end(failing: boolean): void {
    if (this.over) return;
    this.over = true;
    this.failing = failing;
    this.serve();
  }

  return(): void {
    this.#answerAll("done");
    this.active = false;
  }

  takeReady(max: number): number[] {
    return this.active && this.waiting.length === 0 ? this.here.splice(0, max) : [];
  }

  #answer(answer: string): void {
    const call = this.waiting.shift();
    if (call !== undefined) this.answers.set(call, answer);
  }

  #answerAll(answer: string): void {
    while (this.waiting.length > 0) this.#answer(answer);
  }
}

export type Step =
  | { readonly do: "arrive" | "takeReady"; readonly count: number }
  | { readonly do: "iterate" | "next" | "return" | "old next" | "end" | "fail" };

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("arrive" as const), count: fc.nat({ max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("takeReady" as const), count: fc.nat({ max: 3 }) }) },
  { weight: 6, arbitrary: fc.constant({ do: "next" as const }) },
  { weight: 2, arbitrary: fc.constantFrom({ do: "iterate" as const }, { do: "return" as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ do: "old next" as const }, { do: "end" as const }, { do: "fail" as const }),
  },
);

/** Plays the steps on an outlet and on the model, and compares what can be seen after each. */
export class Play {
  readonly #model = new Model();
  readonly #stock = new Stock();
  readonly #outlet = new Outlet<Item>("orders", this.#stock);
  readonly #answers = new Map<number, string>();
  readonly #iterators: OutletIterator<Item>[] = [];
  #items = 0;
  #calls = 0;

  async run(steps: readonly Step[]): Promise<void> {
    this.#iterate();
    for (const each of steps) {
      this.#act(each);
      expect(this.#outlet.waiting).toBe(this.#model.waiting.length);
      expect(this.#outlet.active).toBe(this.#model.active);
      expect(this.#stock.here.map(({ id }) => id)).toEqual(this.#model.here);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect([...this.#answers].sort(([a], [b]) => a - b)).toEqual(
      [...this.#model.answers].sort(([a], [b]) => a - b),
    );
  }

  #act(each: Step): void {
    const iterator = this.#iterators.at(-1);
    if (each.do === "arrive") this.#arrive(each.count);
    else if (each.do === "iterate") this.#iterate();
    else if (each.do === "end") this.#end(undefined);
    else if (each.do === "fail") this.#end({ error: new Error("gone") });
    else if (each.do === "old next") this.#next(this.#iterators.at(-2), false);
    else if (each.do === "next") this.#next(iterator, this.#model.active);
    else if (each.do === "takeReady") {
      const taken = iterator?.takeReady(each.count).map(({ id }) => id);
      expect(taken).toEqual(this.#model.takeReady(each.count));
    } else {
      void iterator?.return();
      this.#model.return();
    }
  }

  #iterate(): void {
    if (this.#model.active) {
      expect(() => this.#outlet.iterate()).toThrow(SubscriberBusyError);
      return;
    }
    this.#model.active = true;
    this.#iterators.push(this.#outlet.iterate());
  }

  #arrive(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.#items += 1;
      this.#stock.here.push(item(this.#items));
      this.#model.here.push(this.#items);
    }
    this.#outlet.serve();
    this.#model.serve();
  }

  #end(failure: { readonly error: Error } | undefined): void {
    this.#outlet.end(failure);
    this.#model.end(failure !== undefined);
  }

  #next(iterator: OutletIterator<Item> | undefined, onActive: boolean): void {
    if (iterator === undefined) return;
    this.#calls += 1;
    const call = this.#calls;
    iterator.next().then(
      (result) => this.#answers.set(call, result.done ? "done" : `item ${result.value.id}`),
      () => this.#answers.set(call, "error"),
    );
    if (onActive) this.#model.next(call, true);
    else this.#model.answers.set(call, "done");
  }
}
