import type { MemoryMessage, OutgoingMessage, SubscriberIterator } from "tidelane";
import type { Fault } from "./doctored.ts";

/** Whether this is not the first call in this turn of the event loop. */
function again(): () => boolean {
  let called = false;
  return () => {
    const before = called;
    called = true;
    setImmediate(() => {
      called = false;
    });
    return before;
  };
}

async function microtasks(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await undefined;
}

/** Defects that show only where one option meets another. */
const metOptions: readonly Fault[] = [
  {
    defect: "with an ack deadline a message is delivered once too often before it is set aside",
    law: "dead-letter",
    doctor: () => ({
      options: (options) => {
        const { deadLetter, ackDeadlineMs } = options;
        if (deadLetter?.maxDeliveries === undefined || ackDeadlineMs === undefined) return options;
        return { ...options, deadLetter: { ...deadLetter, maxDeliveries: deadLetter.maxDeliveries + 1 } };
      },
    }),
  },
  {
    defect: "what is dropped where deliveries are bounded is not set aside",
    law: "dead-letter",
    doctor: () => {
      let both = false;
      return {
        options: (options) => {
          both ||= options.deadLetter !== undefined && options.maxInFlight !== undefined;
          return options;
        },
        message: (real) => ({
          nack: ({ requeue = true } = {}) => (both && !requeue ? real.ack() : real.nack({ requeue })),
        }),
      };
    },
  },
  {
    defect: "a crash takes a last delivery with it, and nothing is set aside",
    law: "dead-letter",
    doctor: () => {
      const held: MemoryMessage[] = [];
      let most = Number.POSITIVE_INFINITY;
      return {
        options: (options) => {
          most = options.deadLetter?.maxDeliveries ?? most;
          return options;
        },
        message: (real) => {
          held.push(real);
          return {};
        },
        connection: (real) => ({
          kill: (reason) => {
            const last = held.filter(({ settled, revoked, deliveryCount }) => {
              return !settled && revoked === undefined && deliveryCount >= most;
            });
            for (const message of last) void message.ack();
            real.kill(reason);
          },
        }),
      };
    },
  },
  {
    defect: "a dropped delivery keeps its place in flight",
    law: "prefetch-bound",
    doctor: () => ({
      message: (real) => ({
        nack: async ({ requeue = true } = {}) => {
          if (requeue) await real.nack();
        },
      }),
    }),
  },
  {
    defect: "a publish that waited for room does not reach a subscription without a group",
    law: "publish-waits",
    doctor: () => {
      const waited = new Set<string>();
      return {
        publisher: (real) => ({
          publish: async (message, options) => {
            let sent = false;
            const answer = real.publish(message, options).finally(() => {
              sent = true;
            });
            await microtasks(8);
            if (!sent) waited.add(String(message.payload));
            await answer;
          },
        }),
        connection: (real) => ({
          subscribe: (async (topic: string, options: { group?: string }) => {
            const subscriber = await real.subscribe(topic, options);
            if (options.group !== undefined) return subscriber;
            const iterate = subscriber[Symbol.asyncIterator].bind(subscriber);
            return Object.assign(subscriber, {
              [Symbol.asyncIterator]: () => skipping(iterate(), waited),
            });
          }) as typeof real.subscribe,
        }),
      };
    },
  },
  {
    defect: "where there is an ack deadline a delay is half as long",
    law: "nack-after-never-early",
    doctor: () => {
      let deadline = false;
      return {
        options: (options) => {
          deadline ||= options.ackDeadlineMs !== undefined;
          return options;
        },
        message: (real) => ({ nackAfter: (delayMs) => real.nackAfter(deadline ? delayMs / 2 : delayMs) }),
      };
    },
  },
  {
    defect: "a subscription without a group has no ack deadline",
    law: "ack-deadline",
    doctor: () => ({
      options: (options) => {
        const { ackDeadlineMs: _, ...rest } = options;
        return options.group === undefined ? rest : options;
      },
    }),
  },
];

type Delivered = SubscriberIterator<MemoryMessage>;

function skipping(real: Delivered, skipped: ReadonlySet<string>): Delivered {
  return {
    next: async () => {
      for (;;) {
        const result = await real.next();
        if (result.done || !skipped.has(String(result.value.payload))) return result;
        await result.value.ack();
      }
    },
    return: () => real.return(),
    takeReady: () => [],
  };
}

/** Defects that show only after much, or long. */
const thresholds: readonly Fault[] = [
  {
    defect: "the delivery count stops at 9",
    law: "delivery-count-grows",
    doctor: () => ({ message: (real) => ({ deliveryCount: Math.min(9, real.deliveryCount) }) }),
  },
  {
    defect: "of more than a hundred unsettled deliveries one is acked",
    law: "independent-settles",
    doctor: () => {
      const held: MemoryMessage[] = [];
      return {
        message: (real) => {
          held.push(real);
          const unsettled = held.filter(({ settled, revoked }) => !settled && revoked === undefined);
          if (unsettled.length > 100) void unsettled[0]?.ack();
          return {};
        },
      };
    },
  },
  {
    defect: "a subscription that had nothing for an hour gives nothing more",
    law: "conservation",
    doctor: (clock) => ({
      iterator: (real) => {
        let last = clock.now();
        return {
          next: async () => {
            if (clock.now() - last >= 3_600_000) return new Promise(() => undefined);
            const result = await real.next();
            last = clock.now();
            return result;
          },
          takeReady: () => [],
        };
      },
    }),
  },
];

/** Defects that show once in some dozens of deliveries: no few steps say them, unless one of them is a repetition. */
const seldom: readonly Fault[] = [
  {
    defect: "the ack of every 25th delivery does nothing",
    law: "ack-is-final",
    doctor: oneIn(25, { ack: async () => undefined }),
  },
  {
    defect: "every 25th delivery has an empty payload",
    law: "payload-fidelity",
    doctor: oneIn(25, { payload: new Uint8Array() }),
  },
  {
    defect: "every 25th requeue loses the message",
    law: "requeue-redelivers",
    doctor: () => {
      let requeues = 0;
      return {
        message: (real) => ({
          nack: ({ requeue = true } = {}) => {
            if (requeue) requeues += 1;
            return requeue && requeues % 25 === 0 ? real.ack() : real.nack({ requeue });
          },
        }),
      };
    },
  },
];

function oneIn(count: number, changes: Partial<MemoryMessage>): Fault["doctor"] {
  return () => {
    let deliveries = 0;
    return {
      message: () => {
        deliveries += 1;
        return deliveries % count === 0 ? changes : {};
      },
    };
  };
}

/** Defects that show only where calls meet in one turn of the event loop. */
const sameTurn: readonly Fault[] = [
  {
    defect: "of two publishes in one turn the second resolves and goes nowhere",
    law: "conservation",
    doctor: () => {
      const second = again();
      return {
        publisher: (real) => ({
          publish: async (message, options) => {
            if (!second()) await real.publish(message, options);
          },
        }),
      };
    },
  },
  {
    defect: "what is published in one turn is sent the other way round",
    law: "key-order",
    doctor: () => {
      let turn: { message: OutgoingMessage; sent: () => void }[] = [];
      return {
        publisher: (real) => ({
          publish: (message) =>
            new Promise<void>((sent) => {
              if (turn.length === 0) {
                setImmediate(async () => {
                  const all = turn.reverse();
                  turn = [];
                  for (const each of all) await real.publish(each.message).then(each.sent, each.sent);
                });
              }
              turn.push({ message, sent });
            }),
        }),
      };
    },
  },
  {
    defect: "of two acks in one turn the second is forgotten",
    law: "ack-is-final",
    doctor: () => {
      const second = again();
      return {
        message: (real) => ({
          ack: async () => {
            if (!second()) await real.ack();
          },
        }),
      };
    },
  },
  {
    defect: "a close overtakes an ack of the same turn",
    law: "ack-is-final",
    doctor: () => ({
      message: (real) => ({
        ack: async () => {
          await microtasks(1);
          if (real.revoked === undefined) await real.ack();
        },
      }),
    }),
  },
  {
    defect: "a second close() of a connection in the turn of the first is never answered",
    law: "close-idempotent",
    doctor: () => ({
      connection: (real) => {
        const second = again();
        return {
          close: async () => {
            if (second() && real.state !== "open") await new Promise(() => undefined);
            await real.close();
          },
        };
      },
    }),
  },
];

/** Defects that a history shows only where options meet, where it is long, or where calls come at the same moment. */
export const mixedFaults: readonly Fault[] = [...metOptions, ...thresholds, ...seldom, ...sameTurn];
