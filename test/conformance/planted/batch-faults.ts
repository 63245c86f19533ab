import type { BatchOptions, MemoryMessage, MemorySubscriber } from "tidelane";
import type { Fault } from "./doctored.ts";

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

type BatchIterator = AsyncIterator<MemoryMessage[], undefined, undefined>;

/** A loop over batches, how many of its calls wait, and what it was made from. */
interface Loop {
  readonly real: MemorySubscriber;
  readonly iterator: BatchIterator;
  waiting: number;
}

/** Passes every loop over batches through `change`, and knows those that wait. */
function batching(change: (loop: Loop) => Partial<BatchIterator>): {
  readonly loops: Loop[];
  batches(real: MemorySubscriber): Pick<MemorySubscriber, "batches">;
} {
  const loops: Loop[] = [];
  const begin = (real: MemorySubscriber, options: BatchOptions): BatchIterator => {
    const iterator = real.batches(options)[Symbol.asyncIterator]() as BatchIterator;
    const loop: Loop = { real, iterator, waiting: 0 };
    loops.push(loop);
    const next = (): ReturnType<BatchIterator["next"]> => {
      loop.waiting += 1;
      return iterator.next().finally(() => {
        loop.waiting -= 1;
      });
    };
    const end = async (): ReturnType<BatchIterator["next"]> => {
      await iterator.return?.();
      return { done: true, value: undefined };
    };
    return { next, return: end, ...change({ ...loop, iterator: { next, return: end } }) };
  };
  const batches = (real: MemorySubscriber): Pick<MemorySubscriber, "batches"> => ({
    batches: (options) => ({ [Symbol.asyncIterator]: () => begin(real, options) }),
  });
  return { loops, batches };
}

/** What a batch that forms has taken, or would be next to take. */
async function takeForming(loop: Loop): Promise<MemoryMessage[]> {
  if (loop.waiting === 0) return [];
  await loop.iterator.return?.();
  const single = loop.real[Symbol.asyncIterator]();
  const taken = single.takeReady?.(8) ?? [];
  await single.return();
  return taken;
}

/** Defects of batches that are broken off, closed, killed or paused while they form. */
export const batchFaults: readonly Fault[] = [
  {
    defect: "a batch that is broken off while it forms loses what it had",
    law: "batches-bounded",
    doctor: () => {
      const { loops, batches } = batching(({ iterator, real }) => ({
        return: async () => {
          const loop = loops.find((each) => each.real === real && each.waiting > 0);
          if (loop === undefined) await iterator.return?.();
          else for (const message of await takeForming(loop)) await message.ack();
          return { done: true, value: undefined };
        },
      }));
      return { subscriber: batches };
    },
  },
  {
    defect: "a batch that is broken off leaves the call that waits for it",
    law: "batches-bounded",
    doctor: () => {
      const { batches } = batching(({ iterator }) => ({
        next: () => iterator.next().then((result) => (result.done ? never() : result)),
      }));
      return { subscriber: batches };
    },
  },
  {
    defect: "a subscriber that closes while a batch forms acks what the batch had",
    law: "batches-bounded",
    doctor: () => {
      const { loops, batches } = batching(() => ({}));
      return {
        subscriber: (real) => ({
          ...batches(real),
          close: async () => {
            for (const loop of loops) {
              if (loop.real === real) for (const message of await takeForming(loop)) await message.ack();
            }
            await real.close();
          },
        }),
      };
    },
  },
  {
    defect: "what is in a batch that forms counts as delivered when its connection dies",
    law: "batches-bounded",
    doctor: () => {
      const { loops, batches } = batching(() => ({}));
      return {
        subscriber: batches,
        connection: (real) => ({
          kill: async (reason) => {
            for (const loop of loops) await takeForming(loop);
            real.kill(reason);
          },
        }),
      };
    },
  },
  {
    defect: "a batch is handed out from its last delivery to its first",
    law: "batches-bounded",
    doctor: () => {
      const { batches } = batching(({ iterator }) => ({
        next: async () => {
          const result = await iterator.next();
          return result.done ? result : { done: false, value: result.value.toReversed() };
        },
      }));
      return { subscriber: batches };
    },
  },
  {
    defect: "a pause does not reach a batch that forms",
    law: "pause-holds",
    doctor: () => {
      const { loops, batches } = batching(() => ({}));
      return {
        subscriber: (real) => ({
          ...batches(real),
          pause: () => {
            if (!loops.some((loop) => loop.real === real && loop.waiting > 0)) real.pause();
          },
        }),
      };
    },
  },
];
