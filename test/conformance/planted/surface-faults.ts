import {
  ConnectionClosedError,
  type MemoryConnection,
  type MemoryMessage,
  type MemoryPublisher,
  type MemorySubscriber,
  type SubscribeOptions,
  type SubscriberIterator,
} from "tidelane";
import { type Doctor, type Fault, override } from "./doctored.ts";

const resolved = (): Promise<void> => Promise.resolve();

/**
 * A connection that only says that it was closed: what `spared` names goes on. Everything else is ended as it has to be.
 */
function sparing(spared: "late subscriptions" | "late publishers"): Fault["doctor"] {
  return () => ({ connection: (real) => sparingOne(real, spared) });
}

function sparingOne(
  real: MemoryConnection,
  spared: "late subscriptions" | "late publishers",
): Partial<MemoryConnection> {
  let over = false;
  let opening = 0;
  const subscribers: MemorySubscriber[] = [];
  const refuse = (during: string): void => {
    if (over) throw new ConnectionClosedError({ broker: "memory", during });
  };
  const end = async (): Promise<void> => {
    if (spared === "late subscriptions" && opening === 0) return real.close();
    over = true;
    for (const subscriber of subscribers) await subscriber.close();
  };
  return {
    get state() {
      return over ? "closed" : real.state;
    },
    publisher: () =>
      over && spared === "late publishers" ? real.publisher() : refusing(real.publisher(), refuse),
    subscribe: (async (topic: string, options: SubscribeOptions) => {
      refuse("subscribe()");
      opening += 1;
      await undefined;
      const subscriber = await real.subscribe(topic, options);
      opening -= 1;
      if (!over) subscribers.push(subscriber);
      return subscriber;
    }) as MemoryConnection["subscribe"],
    close: end,
    [Symbol.asyncDispose]: end,
  };
}

function refusing(real: MemoryPublisher, refuse: (during: string) => void): MemoryPublisher {
  return override(real, {
    publish: async (message, options) => {
      refuse("publish()");
      await real.publish(message, options);
    },
    request: async (message, options) => {
      refuse("request()");
      return real.request(message, options);
    },
    transaction: async (work, options) => {
      refuse("transaction()");
      return real.transaction(work, options);
    },
    checkTopic: async (topic) => {
      refuse("checkTopic()");
      await real.checkTopic(topic);
    },
  });
}

/** An iterator that goes on after its `return()`. */
const undead: Doctor["subscriber"] = (real) => {
  let stolen: SubscriberIterator<MemoryMessage> | undefined;
  return {
    [Symbol.asyncIterator]: () => {
      stolen = real[Symbol.asyncIterator]();
      const mine = stolen;
      return {
        next: () => (mine === stolen ? mine.next() : (stolen?.next() ?? mine.next())),
        return: () => mine.return(),
        takeReady: (max) => (mine === stolen ? mine : (stolen ?? mine)).takeReady?.(max) ?? [],
      };
    },
  };
};

/** Members of the contract that nobody tries, until somebody needs them. */
export const surfaceFaults: readonly Fault[] = [
  {
    defect: "the asyncDispose of a connection does nothing",
    law: "close-idempotent",
    doctor: () => ({ connection: () => ({ [Symbol.asyncDispose]: resolved }) }),
  },
  {
    defect: "the close of a connection does nothing",
    law: "close-idempotent",
    doctor: () => ({ connection: () => ({ close: resolved }) }),
  },
  {
    defect: "the close of a connection rejects when it was closed before",
    law: "close-idempotent",
    doctor: () => ({
      connection: (real) => ({
        close: async () => {
          if (real.state === "closed") throw new Error("already closed");
          await real.close();
        },
      }),
    }),
  },
  {
    defect: "the asyncDispose of a subscriber does nothing",
    law: "quiet-after-close",
    doctor: () => ({ subscriber: () => ({ [Symbol.asyncDispose]: resolved }) }),
  },
  {
    defect: "a connection says that it is reconnecting from its beginning",
    law: "capabilities-match",
    doctor: () => ({
      connection: (real): Partial<MemoryConnection> => ({
        get state() {
          return real.state === "open" ? "reconnecting" : real.state;
        },
      }),
    }),
  },
  {
    defect: "a subscription that is on its way when its connection is closed goes on delivering",
    law: "quiet-after-close",
    doctor: sparing("late subscriptions"),
  },
  {
    defect: "a publisher that is made after the end publishes",
    law: "publish-after-close",
    doctor: sparing("late publishers"),
  },
  {
    defect: "checkTopic resolves after the end",
    law: "publish-after-close",
    doctor: () => ({ publisher: () => ({ checkTopic: resolved }) }),
  },
  {
    defect: "checkTopic refuses every topic",
    law: "capabilities-match",
    doctor: () => ({
      publisher: (real) => ({ checkTopic: (topic) => real.checkTopic(`${topic}.*`) }),
    }),
  },
  {
    defect: "checkTopic takes any name",
    law: "capabilities-match",
    doctor: () => ({
      publisher: (real) => ({ checkTopic: (topic) => real.checkTopic(topic === "" ? "a" : topic) }),
    }),
  },
  {
    defect: "takeReady(0) gives one",
    law: "capabilities-match",
    doctor: () => ({ iterator: (real) => ({ takeReady: (max) => real.takeReady(max === 0 ? 1 : max) }) }),
  },
  {
    defect: "takeReady(0) gives one, in any history",
    law: "key-order",
    doctor: () => ({ iterator: (real) => ({ takeReady: (max) => real.takeReady(max === 0 ? 1 : max) }) }),
  },
  {
    defect: "takeReady takes -1 for all there is",
    law: "capabilities-match",
    doctor: () => ({
      iterator: (real) => ({
        takeReady: (max) => real.takeReady(max < 0 ? Number.POSITIVE_INFINITY : max),
      }),
    }),
  },
  {
    defect: "takeReady of a number that is none is empty",
    law: "capabilities-match",
    doctor: () => ({
      iterator: (real) => ({ takeReady: (max) => (Number.isInteger(max) ? real.takeReady(max) : []) }),
    }),
  },
  {
    defect: "an iterator that was returned takes what the next loop should have",
    law: "one-iterator",
    doctor: () => ({ subscriber: undead }),
  },
  {
    defect: "a loop of batches is let in beside a plain loop",
    law: "one-iterator",
    doctor: () => ({
      subscriber: () => ({
        batches: () => ({
          [Symbol.asyncIterator]: () => ({
            next: () => new Promise<never>(() => undefined),
            return: async () => ({ done: true, value: undefined }),
          }),
        }),
      }),
    }),
  },
  {
    defect: "a loop of batches that is left keeps what its batch had",
    law: "break-loses-nothing",
    doctor: () => ({
      subscriber: (real) => ({
        batches: () => {
          const iterator = real[Symbol.asyncIterator]();
          let taken: MemoryMessage[] = [];
          return {
            [Symbol.asyncIterator]: () => ({
              next: async () => {
                taken = [...taken, ...(iterator.takeReady?.(1) ?? [])];
                const result = await iterator.next();
                return result.done ? result : { done: false, value: [...taken, result.value] };
              },
              return: async () => {
                await iterator.return();
                return { done: true, value: undefined };
              },
            }),
          };
        },
      }),
    }),
  },
  {
    defect: "a subscriber says that it is never paused",
    law: "pause-holds",
    doctor: () => ({ subscriber: () => ({ paused: false }) }),
  },
  {
    defect: "a subscriber says another topic than its source",
    law: "capabilities-match",
    doctor: () => ({ subscriber: (real) => ({ topic: `${real.topic}-0` }) }),
  },
  {
    defect: "json() gives the text",
    law: "capabilities-match",
    doctor: () => ({ message: (real) => ({ json: () => real.text() }) }),
  },
];
