import {
  headerNames,
  type MemoryMessage,
  MessageHeaders,
  type OutgoingMessage,
  type Publisher,
} from "tidelane";
import type { Fault } from "./doctored.ts";
import { ackingAtClose, publishing } from "./faults.ts";

/** Defects of what a broker offers beyond delivering and settling. */
export const capabilityFaults: readonly Fault[] = [
  {
    defect: "what a transaction publishes is visible before the commit",
    law: "transaction-visibility",
    doctor: () => ({
      publisher: (real) => ({
        transaction: (work) =>
          work({ capabilities: real.capabilities, publish: (message) => real.publish(message) }),
      }),
    }),
  },
  {
    defect: "an aborted transaction is published all the same",
    law: "transaction-visibility",
    doctor: () => ({
      publisher: (real) => ({
        transaction: async <T>(work: (publisher: Publisher) => Promise<T>): Promise<T> => {
          const kept: OutgoingMessage[] = [];
          const publish = async (message: OutgoingMessage): Promise<void> => void kept.push(message);
          try {
            return await work({ capabilities: real.capabilities, publish });
          } finally {
            for (const message of kept) await real.publish(message);
          }
        },
      }),
    }),
  },
  {
    defect: "a transaction commits in the wrong order",
    law: "transaction-visibility",
    doctor: () => ({
      publisher: (real) => ({
        transaction: (work, options) =>
          real.transaction(async (inner) => {
            const kept: OutgoingMessage[] = [];
            const result = await work({ ...inner, publish: async (message) => void kept.unshift(message) });
            for (const message of kept) await inner.publish(message);
            return result;
          }, options),
      }),
    }),
  },
  {
    defect: "a transaction commits in the wrong order, and says nothing",
    law: "transaction-visibility",
    doctor: () => ({
      publisher: (real) => ({
        transaction: (work, options) =>
          real.transaction(async (inner) => {
            const kept: OutgoingMessage[] = [];
            let over = false;
            const result = await work({
              ...inner,
              publish: async (message) => {
                if (over) await inner.publish(message);
                else kept.unshift(message);
              },
            }).finally(() => {
              over = true;
            });
            for (const message of kept) await inner.publish(message);
            return result;
          }, options),
      }),
    }),
  },
  {
    defect: "a transaction shows behind what was published after its commit",
    law: "transaction-visibility",
    doctor: () => {
      let committed: OutgoingMessage[] = [];
      return {
        publisher: (real) => ({
          publish: async (message, options) => {
            await real.publish(message, options);
            for (const late of committed.splice(0)) await real.publish(late);
          },
          transaction: (work, options) => {
            const kept: OutgoingMessage[] = [];
            let over = false;
            return real.transaction(async (inner) => {
              const publish = async (message: OutgoingMessage): Promise<void> => {
                if (over) await inner.publish(message);
                else kept.push(message);
              };
              const result = await work({ ...inner, publish }).finally(() => {
                over = true;
              });
              committed = [...committed, ...kept];
              return result;
            }, options);
          },
        }),
      };
    },
  },
  {
    defect: "a reply goes to the wrong request",
    law: "request-reply",
    doctor: () => {
      let last: string | undefined;
      return {
        publisher: (real) => ({
          publish: async (message, options) => {
            const isReply = message.topic.startsWith("_inbox.");
            const topic = isReply && last !== undefined ? last : message.topic;
            if (isReply) last = message.topic;
            await real.publish({ ...message, topic }, options);
          },
        }),
      };
    },
  },
  {
    defect: "a reply-to header that is published again gets the correlation joined to it",
    law: "forwarded-request-is-answered",
    doctor: publishing((message) => {
      const headers = MessageHeaders.from(message.headers);
      const replyTo = headers.get(headerNames.replyTo);
      if (replyTo === undefined) return message;
      return { ...message, headers: headers.with(headerNames.replyTo, `${replyTo}#1`) };
    }),
  },
  {
    defect: "a reply-to header is dropped when it is published again",
    law: "forwarded-request-is-answered",
    doctor: publishing((message) => ({
      ...message,
      headers: MessageHeaders.from(message.headers).without(headerNames.replyTo),
    })),
  },
  {
    defect: "the broker counts a copy as a message of its own",
    law: "republish-keeps-headers",
    doctor: publishing((message) => ({
      ...message,
      headers: MessageHeaders.from(message.headers).without(headerNames.retryCount),
    })),
  },
  {
    defect: "a request waits twice as long as it was told to",
    law: "request-reply",
    doctor: () => ({
      publisher: (real) => ({
        request: (message, options) =>
          real.request(message, { ...options, timeoutMs: options.timeoutMs * 2 }),
      }),
    }),
  },
  {
    defect: "seek lands one behind",
    law: "seek-lands",
    doctor: () => ({
      subscriber: (real) => ({
        seek: (position) => real.seek(typeof position === "number" && position > 1 ? position - 1 : position),
      }),
    }),
  },
  {
    defect: "seek to a place that is not there resolves",
    law: "seek-lands",
    doctor: () => ({
      subscriber: (real) => ({ seek: (position) => real.seek(position).catch(() => undefined) }),
    }),
  },
  {
    defect: "batches are one larger than asked",
    law: "batches-bounded",
    doctor: () => ({
      subscriber: (real) => ({ batches: (options) => real.batches({ ...options, max: options.max + 1 }) }),
    }),
  },
  {
    defect: "a batch waits for twice its time",
    law: "batches-bounded",
    doctor: () => ({
      subscriber: (real) => ({
        batches: (options) => real.batches({ ...options, maxWaitMs: (options.maxWaitMs ?? 10) * 2 }),
      }),
    }),
  },
  {
    defect: "`*` stands for any number of tokens",
    law: "pattern",
    doctor: () => ({
      connection: (real) => ({
        subscribePattern: (pattern, options) => real.subscribePattern(pattern.replace(/\*$/, ">"), options),
      }),
    }),
  },
  {
    defect: "pause does not hold",
    law: "pause-holds",
    doctor: () => ({ subscriber: () => ({ pause: () => undefined }) }),
  },
  {
    defect: "resume does not go on",
    law: "pause-holds",
    doctor: () => ({ subscriber: () => ({ resume: () => undefined }) }),
  },
  {
    defect: "one delivery too many before the dead letter",
    law: "dead-letter",
    doctor: () => ({
      options: ({ deadLetter, ...options }) =>
        deadLetter?.maxDeliveries === undefined
          ? { ...options, ...(deadLetter ? { deadLetter } : {}) }
          : { ...options, deadLetter: { ...deadLetter, maxDeliveries: deadLetter.maxDeliveries + 1 } },
    }),
  },
  {
    defect: "a dead letter says nothing of its reason",
    law: "dead-letter",
    doctor: () => ({
      message: (real) => ({
        headers: MessageHeaders.from(real.headers).without(headerNames.deadLetterReason),
      }),
    }),
  },
  {
    defect: "publish to a full topic does not wait",
    law: "publish-waits",
    doctor: () => ({
      publisher: (real) => ({
        publish: async (message, options) => {
          void real.publish(message, options).catch(() => undefined);
        },
      }),
    }),
  },
  {
    defect: "a publish that waits does not look at its signal",
    law: "abort-is-prompt",
    doctor: () => ({ publisher: (real) => ({ publish: (message) => real.publish(message) }) }),
  },
  {
    defect: "publish after close() resolves",
    law: "publish-after-close",
    doctor: () => ({
      publisher: (real) => ({
        publish: async (message, options) => {
          await real.publish(message, options).catch((error: { code?: string }) => {
            if (error.code !== "TIDELANE_CONNECTION_CLOSED") throw error;
          });
        },
      }),
    }),
  },
  {
    defect: "a header that cannot be carried is cut and sent",
    law: "publish-refuses",
    doctor: () => ({
      publisher: (real) => ({
        publish: (message, options) => {
          const headers = [...MessageHeaders.from(message.headers)].map(
            ([name, value]) =>
              [name, typeof value === "string" ? value.replace(/[\r\n\0]/g, "") : value] as const,
          );
          return real.publish({ ...message, headers }, options);
        },
      }),
    }),
  },
  {
    defect: "it claims a delivery count and has none",
    law: "capabilities-match",
    doctor: () => ({ message: () => ({ deliveryCount: undefined as unknown as number }) }),
  },
  {
    defect: "it claims keys and has none",
    law: "capabilities-match",
    doctor: () => ({
      message: (): Partial<MemoryMessage> => ({ partitionKey: undefined as unknown as string }),
    }),
  },
  {
    defect: "the description has the password",
    law: "description-without-credentials",
    fixture: { secrets: ["hunter2"] },
    doctor: () => ({
      connection: () => ({ describe: () => ({ protocol: "memory", address: "user:hunter2@localhost" }) }),
    }),
  },
  {
    defect: "keys get lost, so that lanes have nothing to go by",
    law: "lanes-exclusive",
    doctor: () => ({
      message: (): Partial<MemoryMessage> => ({ partitionKey: undefined as unknown as string }),
    }),
  },
  {
    defect: "it delivers one at a time whatever is asked",
    law: "lanes-work-conserving",
    doctor: () => ({ options: (options) => ({ ...options, maxInFlight: 1 }) }),
  },
  {
    defect: "a message that is held for long is delivered a second time",
    law: "retry-keeps-key-order",
    doctor: () => ({
      message: (real) => ({
        ack: async () => {
          if (real.deliveryCount === 1) await real.nack();
          else await real.ack();
        },
      }),
    }),
  },
  {
    defect: "closing a subscriber acks what it holds, so a drain loses what it leaves",
    law: "drain-finishes",
    doctor: ackingAtClose,
  },
];
