import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ack, drop, type MiddlewareOutcome, retryAfter, toOutcome } from "../../src/runtime/outcome.ts";
import { Worker } from "../../src/runtime/worker.ts";

/** What it replaces: the reference. */
async function awaited(returned: PromiseLike<unknown>): Promise<MiddlewareOutcome> {
  try {
    return toOutcome(await returned);
  } catch (error) {
    return { kind: "failure", error };
  }
}

type Then = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;

function thenable(then: Then): PromiseLike<unknown> {
  return { then } as PromiseLike<unknown>;
}

/** A promise with a `then` of its own, which nobody is to call. */
function instrumented(value: unknown): PromiseLike<unknown> {
  const own = (): never => {
    throw new Error("then() of the promise itself was called");
  };
  // biome-ignore lint/suspicious/noThenProperty: a promise that was tampered with is what is tested
  return Object.assign(Promise.resolve(value), { then: own });
}

class Later extends Promise<unknown> {}

const kinds: Record<string, (value: unknown) => PromiseLike<unknown>> = {
  resolved: (value) => Promise.resolve(value),
  rejected: (value) => Promise.reject(value),
  "resolved late": async (value) => {
    await undefined;
    return value;
  },
  "of a subclass": (value) => Later.resolve(value),
  instrumented,
  "a thenable that answers at once": (value) => thenable((resolve) => resolve(value)),
  "a thenable that answers twice": (value) =>
    thenable((resolve, reject) => {
      resolve(value);
      reject(new Error("again"));
      queueMicrotask(() => resolve("again"));
    }),
  "a thenable that throws": (value) =>
    thenable(() => {
      throw value;
    }),
};

const value = fc.constantFrom<unknown>(
  undefined,
  ack(),
  drop(),
  retryAfter(5),
  { kind: "retry", delayMs: -1 },
  "no outcome",
  new Error("failed"),
);
const run = fc.record({ kind: fc.constantFrom(...Object.keys(kinds)), value });

function returnedBy({
  kind,
  value,
}: {
  readonly kind: string;
  readonly value: unknown;
}): PromiseLike<unknown> {
  const make = kinds[kind];
  if (make === undefined) throw new RangeError(kind);
  return make(value);
}

describe("Worker", () => {
  it("gives what an async function that awaits would, once for each delivery, one after another", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 5 }), async (runs) => {
        const told: { readonly delivery: object; readonly result: MiddlewareOutcome }[] = [];
        let next = (): void => {};
        const worker = new Worker<object>(toOutcome, (delivery, result) => {
          told.push({ delivery, result });
          next();
        });
        const deliveries = runs.map((_, index) => ({ index }));
        for (const [index, each] of runs.entries()) {
          const expected = await awaited(returnedBy(each));
          const ended = new Promise<void>((resolve) => {
            next = resolve;
          });
          worker.await(deliveries[index] as object, returnedBy(each));
          expect(told).toHaveLength(index);
          await ended;
          expect(told[index]).toEqual({ delivery: deliveries[index], result: expected });
          expect(told[index]?.delivery).toBe(deliveries[index]);
        }
        await new Promise(setImmediate);
        expect(told).toHaveLength(runs.length);
      }),
      { numRuns: 300 },
    );
  });
});
