import {
  type MemoryConnection,
  type MemoryMessage,
  MessageHeaders,
  type OutgoingMessage,
  PublishFailedError,
  type SubscribeOptions,
  type SubscriberIterator,
} from "tidelane";
import type { Doctor, Fault } from "./doctored.ts";

const resolved = (): Promise<void> => Promise.resolve();

/** Replaces what every iterator answers. */
type NextResult = Promise<IteratorResult<MemoryMessage, undefined>>;

/** What a doctored broker has handed out. */
class Held {
  readonly #all: MemoryMessage[] = [];

  get unsettled(): MemoryMessage[] {
    return this.#all.filter(({ settled, revoked }) => !settled && !revoked);
  }

  add(real: MemoryMessage): Partial<MemoryMessage> {
    this.#all.push(real);
    return {};
  }
}

/** An ack that reaches others: those `reached` gives, out of the acked one and all others that are unsettled. */
function acking(reached: (real: MemoryMessage, others: MemoryMessage[]) => MemoryMessage[]): Doctor {
  const held = new Held();
  return {
    message(real) {
      held.add(real);
      return {
        ack: async () => {
          const others = held.unsettled.filter((other) => other !== real);
          for (const message of reached(real, others)) await message.ack();
        },
      };
    },
  };
}

/** Whoever closes leaves nothing behind, and so nothing comes again. */
export const ackingAtClose: Fault["doctor"] = () => {
  const held = new Held();
  return {
    message: (real) => held.add(real),
    subscriber: (real) => ({
      close: async () => {
        for (const message of held.unsettled) await message.ack();
        await real.close();
      },
    }),
  };
};

/** Passes every outgoing message through `change`; undefined swallows it. */
export function publishing(
  change: (message: OutgoingMessage) => OutgoingMessage | undefined,
): Fault["doctor"] {
  return () => ({
    publisher: (real) => ({
      publish: async (message, options) => {
        const changed = change(message);
        if (changed) await real.publish(changed, options);
      },
    }),
  });
}

/** Hands out one message late: with the next one, before which it should have come. */
function swappingPairs(): {
  iterator(real: Required<SubscriberIterator<MemoryMessage>>): {
    next(): NextResult;
    takeReady(max: number): MemoryMessage[];
  };
} {
  let held: MemoryMessage | undefined;
  return {
    iterator: (real) => ({
      next: async () => {
        if (held) {
          const value = held;
          held = undefined;
          return { done: false, value };
        }
        const first = await real.next();
        const [second] = first.done ? [] : real.takeReady(1);
        if (first.done || second === undefined) return first;
        held = first.value;
        return { done: false, value: second };
      },
      takeReady: () => [],
    }),
  };
}

const decoder = new TextDecoder();

export const faults: readonly Fault[] = [
  {
    defect: "every third publish resolves and goes nowhere",
    law: "conservation",
    doctor: () => {
      let count = 0;
      return publishing((message) => {
        count += 1;
        return count % 3 === 0 ? undefined : message;
      })(undefined as never);
    },
  },
  {
    defect: "an empty payload is dropped",
    law: "payload-fidelity",
    doctor: publishing((message) => (message.payload.length === 0 ? undefined : message)),
  },
  {
    defect: "payloads pass through text, so that bytes that are not UTF-8 change",
    law: "payload-fidelity",
    doctor: publishing((message) =>
      typeof message.payload === "string"
        ? message
        : { ...message, payload: decoder.decode(message.payload) },
    ),
  },
  {
    defect: "header values are trimmed and lower-cased",
    law: "header-fidelity",
    doctor: publishing((message) => {
      const headers = [...MessageHeaders.from(message.headers)].map(
        ([name, value]) => [name, typeof value === "string" ? value.trim().toLowerCase() : value] as const,
      );
      return { ...message, headers };
    }),
  },
  {
    defect: "of a header that occurs twice only the last is kept",
    law: "header-fidelity",
    doctor: publishing((message) => {
      let headers = MessageHeaders.empty;
      for (const [name, value] of MessageHeaders.from(message.headers)) headers = headers.with(name, value);
      return { ...message, headers };
    }),
  },
  {
    defect: "a key is lost when its message is published again",
    law: "republish-keeps-headers",
    doctor: () => {
      let published = 0;
      return {
        publisher: (real) => ({
          publish: async ({ key, ...message }, options) => {
            published += 1;
            const headers = MessageHeaders.from(message.headers).without("partition-key");
            const first = key === undefined || published % 3 === 1;
            await real.publish(
              first ? { ...message, ...(key && { key }) } : { ...message, headers },
              options,
            );
          },
        }),
      };
    },
  },
  { defect: "two that wait are handed out the wrong way round", law: "key-order", doctor: swappingPairs },
  {
    defect: "requests go another way than publishes, and overtake them",
    law: "key-order",
    doctor: () => ({
      publisher: (real) => ({
        publish: async (message, options) => {
          for (let turns = 0; turns < 8; turns += 1) await undefined;
          await real.publish(message, options);
        },
      }),
    }),
  },
  {
    defect: "every message also shows on the other topics",
    law: "topic-isolation",
    doctor: () => {
      const topics = new Set<string>();
      return {
        publisher: (real) => ({
          publish: async (message, options) => {
            topics.add(message.topic);
            await real.publish(message, options);
            for (const topic of topics)
              if (topic !== message.topic) await real.publish({ ...message, topic });
          },
        }),
      };
    },
  },
  {
    defect: "a new group misses what a retained topic holds",
    law: "backlog",
    doctor: () => ({
      options: (options) => (options.from === "start" ? { ...options, from: "new" } : options),
    }),
  },
  {
    defect: "a new group misses what its topic still has",
    law: "backlog",
    doctor: () => ({ options: (options) => (options.group ? { ...options, from: "new" } : options) }),
  },
  {
    defect: "a publish is refused while a group of its topic is opened for the first time",
    law: "backlog",
    doctor: () => {
      const known = new Set<string>();
      const opening = new Set<string>();
      return {
        connection: (real) => ({
          subscribe: (async (topic: string, options: SubscribeOptions) => {
            const name = `${topic} ${options.group}`;
            if (options.group === undefined || !known.has(name)) opening.add(topic);
            known.add(name);
            for (let turns = 0; turns < 8; turns += 1) await undefined;
            opening.delete(topic);
            return real.subscribe(topic, options);
          }) as MemoryConnection["subscribe"],
        }),
        publisher: (real) => ({
          publish: async (message, options) => {
            const { topic } = message;
            if (opening.has(topic))
              throw new PublishFailedError({ topic, reason: "not yet", retryable: true });
            await real.publish(message, options);
          },
        }),
      };
    },
  },
  {
    defect: "what no subscription has had goes to none",
    law: "backlog",
    doctor: () => ({ options: (options) => (options.group ? options : { ...options, from: "new" }) }),
  },
  {
    defect: "what a subscription without a group leaves unsettled is lost when it closes",
    law: "backlog",
    doctor: () => ({
      connection: (real) => ({
        subscribe: (async (topic: string, options: SubscribeOptions) => {
          const subscriber = await real.subscribe(topic, options);
          // Nobody reads it, and it has all of them too.
          if (options.group === undefined) await real.subscribe(topic, { from: "start" });
          return subscriber;
        }) as MemoryConnection["subscribe"],
      }),
    }),
  },
  {
    defect: "a subscription is given again what others have had",
    law: "backlog",
    doctor: () => ({ options: (options) => (options.group ? options : { ...options, from: "start" }) }),
  },
  {
    defect: "ack is forgotten when the subscriber closes",
    law: "ack-is-final",
    doctor: () => ({ message: (real) => ({ ack: resolved, nack: (options) => real.nack(options) }) }),
  },
  {
    defect: "dropping a message requeues it",
    law: "drop-is-final",
    doctor: () => ({ message: (real) => ({ nack: () => real.nack() }) }),
  },
  {
    defect: "a requeue loses the message",
    law: "requeue-redelivers",
    doctor: () => ({ message: (real) => ({ nack: () => real.ack() }) }),
  },
  {
    defect: "a delayed requeue loses the message",
    law: "requeue-redelivers",
    doctor: () => ({ message: (real) => ({ nackAfter: () => real.ack() }) }),
  },
  {
    defect: "a requeued message comes back behind the others",
    law: "requeue-keeps-place",
    doctor: () => ({
      message: (real) => ({
        nack: ({ requeue = true } = {}) => (requeue ? real.nackAfter(1) : real.nack({ requeue })),
      }),
    }),
  },
  {
    defect: "nackAfter waits half of what was asked",
    law: "nack-after-never-early",
    doctor: () => ({ message: (real) => ({ nackAfter: (delayMs) => real.nackAfter(delayMs / 2) }) }),
  },
  {
    defect: "nackAfter is an immediate requeue",
    law: "nack-after-never-early",
    doctor: () => ({ message: (real) => ({ nackAfter: () => real.nack() }) }),
  },
  {
    defect: "the delivery count is always 1",
    law: "delivery-count-grows",
    doctor: () => ({ message: () => ({ deliveryCount: 1 }) }),
  },
  {
    defect: "the delivery count begins at 0",
    law: "delivery-count-grows",
    doctor: () => ({ message: (real) => ({ deliveryCount: real.deliveryCount - 1 }) }),
  },
  {
    defect: "a second settle resolves",
    law: "single-use",
    doctor: () => ({
      message: (real) => ({
        ack: async () => {
          if (!real.settled) await real.ack();
        },
      }),
    }),
  },
  {
    defect: "a second settle reaches the broker and settles another message",
    law: "single-use",
    doctor: () => acking((real, others) => [real.settled ? (others[0] ?? real) : real]),
  },
  {
    defect: "an ack also acks everything delivered before",
    law: "independent-settles",
    doctor: () =>
      acking((real, others) => [...others.filter(({ position }) => position < real.position), real]),
  },
  {
    defect: "settling a revoked delivery resolves",
    law: "settle-after-revocation",
    doctor: () => ({
      message: (real) => ({
        ack: async () => {
          if (!real.revoked) await real.ack();
        },
      }),
    }),
  },
  {
    defect: "settling a revoked delivery acks somebody else's message",
    law: "settle-after-revocation",
    doctor: () => acking((real, others) => (real.revoked ? [...others.slice(0, 1), real] : [real])),
  },
  {
    defect: "the signal of a revoked delivery does not abort",
    law: "settle-after-revocation",
    doctor: () => ({ message: () => ({ signal: new AbortController().signal }) }),
  },
  {
    defect: "keepAlive does nothing",
    law: "ack-deadline",
    doctor: () => ({ message: () => ({ keepAlive: resolved }) }),
  },
  {
    defect: "the ack deadline is half as long as it says",
    law: "ack-deadline",
    doctor: () => ({
      options: ({ ackDeadlineMs, ...options }) =>
        ackDeadlineMs === undefined ? options : { ...options, ackDeadlineMs: ackDeadlineMs / 2 },
    }),
  },
  {
    defect: "one more in flight than allowed",
    law: "prefetch-bound",
    doctor: () => ({
      options: ({ maxInFlight = 1_024, ...options }) => ({ ...options, maxInFlight: maxInFlight + 1 }),
    }),
  },
  {
    defect: "every subscriber of a group is given every message",
    law: "group-shares",
    doctor: () => {
      let count = 0;
      return {
        options: ({ group, ...options }) => {
          count += 1;
          return group === undefined ? options : { ...options, group: `${group}-${count}` };
        },
      };
    },
  },
  {
    defect: "all groups are one",
    law: "group-copies",
    doctor: () => ({
      options: (options) => (options.group === undefined ? options : { ...options, group: "one" }),
    }),
  },
  {
    defect: "a second iterator is let in",
    law: "one-iterator",
    doctor: () => ({
      subscriber: (real) => {
        let first: SubscriberIterator<MemoryMessage> | undefined;
        return {
          [Symbol.asyncIterator]: () => {
            first ??= real[Symbol.asyncIterator]();
            return first;
          },
        };
      },
    }),
  },
  {
    defect: "an iterator reads one ahead, and break forgets it",
    law: "break-loses-nothing",
    doctor: () => ({
      iterator: (real) => {
        const buffer: MemoryMessage[] = [];
        return {
          next: async () => {
            const value = buffer.shift();
            if (value) return { done: false, value };
            const result = await real.next();
            buffer.push(...real.takeReady(1));
            return result;
          },
          takeReady: (max) => real.takeReady(max),
        };
      },
    }),
  },
  {
    defect: "closing a subscriber acks what it holds",
    law: "close-returns-unsettled",
    doctor: ackingAtClose,
  },
  {
    defect: "a connection that dies takes what it holds with it",
    law: "crash-returns-unsettled",
    doctor: () => {
      const held = new Held();
      return {
        message: (real) => held.add(real),
        connection: (real) => ({
          kill: (reason) => {
            for (const message of held.unsettled) void message.ack();
            real.kill(reason);
          },
        }),
      };
    },
  },
  {
    defect: "a closed subscriber goes on delivering",
    law: "quiet-after-close",
    doctor: () => ({ subscriber: () => ({ close: resolved }) }),
  },
  {
    defect: "a connection that was closed goes on delivering",
    law: "quiet-after-close",
    doctor: () => ({ connection: () => ({ close: resolved }) }),
  },
  {
    defect: "a second close() of a connection rejects",
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
    defect: "close() of a connection waits for a next() that is waiting",
    law: "close-idempotent",
    doctor: () => {
      let waiting = 0;
      return {
        iterator: (real) => ({
          next: async () => {
            waiting += 1;
            const result = await real.next();
            waiting -= 1;
            return result;
          },
        }),
        connection: (real) => ({
          close: async () => {
            if (waiting > 0) await new Promise(() => undefined);
            await real.close();
          },
        }),
      };
    },
  },
];
