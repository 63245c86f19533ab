import {
  type BatchOptions,
  headerNames,
  type MemoryConnection,
  type MemoryMessage,
  type MemoryPublisher,
  type MemorySubscriber,
  type Message,
  MessageHeaders,
  type OutgoingMessage,
  type Publisher,
  type PublishOptions,
  type SubscribeOptions,
} from "tidelane";
import type { Doctor, Fault } from "./doctored.ts";

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

/** What an open transaction holds, to be shown by `show` at the wrong time. */
function leaking(): {
  readonly open: Set<OutgoingMessage[]>;
  publisher(real: MemoryPublisher): Pick<MemoryPublisher, "transaction">;
  show(publisher: Publisher): void;
} {
  const open = new Set<OutgoingMessage[]>();
  return {
    open,
    publisher: (real) => ({
      transaction: (work, options) =>
        real.transaction(async (inner) => {
          const kept: OutgoingMessage[] = [];
          open.add(kept);
          const publish = async (message: OutgoingMessage): Promise<void> => {
            await inner.publish(message);
            kept.push(message);
          };
          return work({ ...inner, publish }).finally(() => open.delete(kept));
        }, options),
    }),
    show: (publisher) => {
      for (const kept of open) {
        for (const message of kept.splice(0)) void publisher.publish(message).catch(() => undefined);
      }
    },
  };
}

/** Commits in a way of its own what a sound transaction has collected. */
function committing(
  commit: (
    real: MemoryPublisher,
    kept: readonly OutgoingMessage[],
    options: PublishOptions | undefined,
  ) => Promise<void>,
): Fault["doctor"] {
  return () => ({
    publisher: (real) => ({
      transaction: async <T>(
        work: (inner: Publisher) => Promise<T>,
        options?: PublishOptions,
      ): Promise<T> => {
        const kept: OutgoingMessage[] = [];
        const collected = { result: undefined as T };
        await real
          .transaction(async (inner) => {
            const publish = async (message: OutgoingMessage): Promise<void> => {
              await inner.publish(message);
              kept.push(message);
            };
            collected.result = await work({ ...inner, publish });
            throw collected;
          }, options)
          .catch((error: unknown) => {
            if (error !== collected) throw error;
          });
        await commit(real, kept, options);
        return collected.result;
      },
    }),
  });
}

const batchFaults: readonly Fault[] = [
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

const seekFaults: readonly Fault[] = [
  {
    defect: "a seek leaves a waiting next() waiting for ever",
    law: "seek-lands",
    doctor: () => {
      let seeks = 0;
      return {
        subscriber: (real) => ({
          seek: async (position) => {
            seeks += 1;
            await real.seek(position);
          },
        }),
        iterator: (real) => ({
          next: async () => {
            const before = seeks;
            let waits = true;
            const answer = real.next().finally(() => {
              waits = false;
            });
            for (let turns = 0; turns < 3; turns += 1) await undefined;
            const result = await (waits ? answer.then((each) => (seeks > before ? never() : each)) : answer);
            return result as Awaited<typeof answer>;
          },
        }),
      };
    },
  },
  {
    defect: "what was in flight at a seek is handed out once more",
    law: "seek-lands",
    doctor: () => {
      let last: MemoryMessage | undefined;
      let stale: MemoryMessage | undefined;
      return {
        message: (real) => {
          last = real;
          return {};
        },
        subscriber: (real) => ({
          seek: async (position) => {
            await real.seek(position);
            stale = last?.lost === undefined ? undefined : last;
          },
        }),
        iterator: (real) => ({
          next: () => {
            const value = stale;
            stale = undefined;
            return value === undefined ? real.next() : Promise.resolve({ done: false, value });
          },
        }),
      };
    },
  },
  {
    defect: "a delayed redelivery survives a seek",
    law: "seek-lands",
    doctor: (clock) => {
      const due: MemoryMessage[] = [];
      let seeks = 0;
      return {
        message: (real) => ({
          nackAfter: async (delayMs) => {
            await real.nackAfter(delayMs);
            const before = seeks;
            clock.schedule(delayMs, () => {
              if (seeks > before) due.push(real);
            });
          },
        }),
        subscriber: (real) => ({
          seek: async (position) => {
            await real.seek(position);
            seeks += 1;
          },
        }),
        iterator: (real) => ({
          next: () => {
            const value = due.shift();
            return value === undefined ? real.next() : Promise.resolve({ done: false, value });
          },
        }),
      };
    },
  },
  {
    defect: "what another member has in flight stays its own over a seek",
    law: "seek-lands",
    doctor: () => {
      let seekers = 0;
      const held: {
        readonly by: number;
        readonly controller: AbortController;
        readonly real: MemoryMessage;
      }[] = [];
      return {
        subscriber: (real) => {
          seekers += 1;
          const self = seekers;
          return {
            [Symbol.asyncIterator]: () => {
              const iterator = real[Symbol.asyncIterator]();
              const keep = (message: MemoryMessage): MemoryMessage => {
                const controller = new AbortController();
                held.push({ by: self, controller, real: message });
                return new Proxy(message, {
                  get: (target, property) => {
                    if (property === "signal") return controller.signal;
                    if (property === "lost") return controller.signal.aborted ? target.lost : undefined;
                    const value: unknown = Reflect.get(target, property, target);
                    return typeof value === "function" ? value.bind(target) : value;
                  },
                });
              };
              return {
                next: async () => {
                  const result = await iterator.next();
                  return result.done ? result : { done: false, value: keep(result.value) };
                },
                return: () => iterator.return(),
              };
            },
            seek: async (position) => {
              await real.seek(position);
              for (const { by, controller, real: message } of held)
                if (by === self && message.lost) controller.abort();
            },
            close: async () => {
              await real.close();
              for (const { by, controller } of held) if (by === self) controller.abort();
            },
          };
        },
      };
    },
  },
  {
    defect: "a seek whose subscriber closes meanwhile is never answered",
    law: "seek-lands",
    doctor: () => ({
      subscriber: (real) => {
        let open = true;
        return {
          seek: async (position) => {
            await real.seek(position);
            for (let turns = 0; turns < 12; turns += 1) await undefined;
            if (!open) await never();
          },
          close: () => {
            open = false;
            return real.close();
          },
        };
      },
    }),
  },
  {
    defect: "a seek of a subscriber that is over moves its group",
    law: "seek-lands",
    doctor: () => {
      const open = new Set<MemorySubscriber>();
      return {
        subscriber: (real) => {
          open.add(real);
          return {
            seek: async (position) => {
              const [other] = [...open].filter((each) => each !== real);
              await (open.has(real) ? real : other)?.seek(position);
            },
            close: () => {
              open.delete(real);
              return real.close();
            },
          };
        },
      };
    },
  },
  {
    defect: "a seek goes on where there was a pause",
    law: "pause-holds",
    doctor: () => ({
      subscriber: (real) => ({
        seek: async (position) => {
          await real.seek(position);
          real.resume();
        },
      }),
    }),
  },
];

const transactionFaults: readonly Fault[] = [
  {
    defect: "a transaction shows whose connection was killed before it committed",
    law: "transaction-visibility",
    doctor: () => {
      const { publisher, show } = leaking();
      return {
        publisher,
        connection: (real) => ({
          kill: (reason) => {
            show(real.publisher());
            real.kill(reason);
          },
        }),
      };
    },
  },
  {
    defect: "a shutdown commits what is open",
    law: "transaction-visibility",
    doctor: () => {
      const { publisher, show } = leaking();
      return {
        publisher,
        connection: (real) => ({
          shutdown: () => {
            if (real.state === "open") show(real.publisher());
            return real.shutdown();
          },
        }),
      };
    },
  },
  {
    defect: "a group that opens while a transaction goes on is given what it holds",
    law: "transaction-visibility",
    doctor: () => {
      const { open, publisher } = leaking();
      const groups = new Set<string>();
      return {
        publisher,
        connection: (real) => ({
          subscribe: (async (topic: string, options: SubscribeOptions) => {
            const name = `${topic} ${options.group}`;
            const isNew = !groups.has(name);
            groups.add(name);
            const subscriber = await real.subscribe(topic, options);
            for (const kept of isNew ? open : []) {
              for (const message of kept)
                if (message.topic === topic) await real.publisher().publish(message);
            }
            return subscriber;
          }) as MemoryConnection["subscribe"],
        }),
      };
    },
  },
  {
    defect: "a commit to a full topic drops what it has no room for",
    law: "transaction-visibility",
    doctor: committing(async (real, kept) => {
      for (const message of kept) {
        const patience = new AbortController();
        const sent = real.publish(message, { signal: patience.signal }).catch(() => undefined);
        for (let turns = 0; turns < 4; turns += 1) await undefined;
        patience.abort();
        await sent;
      }
    }),
  },
  {
    defect: "a transaction that is killed while its commit waits shows in part",
    law: "transaction-visibility",
    doctor: committing(async (real, kept, options) => {
      for (const message of kept) await real.publish(message, options);
    }),
  },
  {
    defect: "a transaction shows when its signal fires",
    law: "transaction-visibility",
    doctor: () => {
      const { publisher, show } = leaking();
      return {
        publisher: (real) => ({
          transaction: (work, options) => {
            options?.signal?.addEventListener("abort", () => show(real));
            return publisher(real).transaction(work, options);
          },
        }),
      };
    },
  },
  {
    defect: "a transaction commits although its signal has fired",
    law: "transaction-visibility",
    doctor: () => ({ publisher: (real) => ({ transaction: (work) => real.transaction(work) }) }),
  },
];

const requestFaults: readonly Fault[] = [
  {
    defect: "a late reply answers the request that was made last",
    law: "request-reply",
    doctor: () => {
      const over = new Set<string>();
      let waiting: string[] = [];
      return {
        publisher: (real) => ({
          request: (message, options) => real.request(message, options).finally(() => waiting.shift()),
          publish: async (message, options) => {
            const inbox = message.topic.startsWith("_inbox.");
            const late = inbox && over.has(message.topic);
            if (inbox) over.add(message.topic);
            await real.publish(
              { ...message, topic: (late ? waiting.at(-1) : undefined) ?? message.topic },
              options,
            );
          },
        }),
        message: (real) => {
          const inbox = real.headers.get("reply-to");
          if (inbox !== undefined && !over.has(inbox))
            waiting = [...waiting.filter((each) => each !== inbox), inbox];
          return {};
        },
      };
    },
  },
  {
    defect: "a request of a connection that shuts down is never answered",
    law: "request-reply",
    doctor: () => ({
      publisher: (real) => ({
        request: (message, options) =>
          real.request(message, options).catch((error: { code?: string }) => {
            if (error.code === "TIDELANE_CONNECTION_CLOSED") return never<Message>();
            throw error;
          }),
      }),
    }),
  },
  {
    defect: "of two requests at once the second waits no longer than the first",
    law: "request-reply",
    doctor: (clock) => {
      let until = 0;
      return {
        publisher: (real) => ({
          request: (message, options) => {
            const now = clock.now();
            const timeoutMs = until > now ? Math.min(options.timeoutMs, until - now) : options.timeoutMs;
            until = now + timeoutMs;
            return real.request(message, { ...options, timeoutMs });
          },
        }),
      };
    },
  },
  {
    defect: "a requeue of a reply resolves",
    law: "request-reply",
    doctor: replying((reply) => ({ nack: () => reply.ack() })),
  },
  {
    defect: "an ack of a reply is refused",
    law: "request-reply",
    doctor: replying((reply) => ({ ack: () => reply.nack() })),
  },
  {
    defect: "a reply comes without its headers",
    law: "request-reply",
    doctor: replying(() => ({ headers: MessageHeaders.empty })),
  },
  {
    defect: "a request says where its answer goes at its first delivery only",
    law: "forwarded-request-is-answered",
    doctor: () => ({
      message: (real) =>
        real.deliveryCount === 1
          ? {}
          : { headers: MessageHeaders.from(real.headers).without(headerNames.replyTo) },
    }),
  },
  {
    defect: "after a connection has died the replies of all others are lost",
    law: "request-reply",
    doctor: () => {
      let died = false;
      return {
        connection: (real) => ({
          kill: (reason) => {
            died = true;
            real.kill(reason);
          },
        }),
        publisher: (real) => ({
          publish: async (message, options) => {
            if (!died || !message.topic.startsWith("_inbox.")) await real.publish(message, options);
          },
        }),
      };
    },
  },
];

/** Changes what a request resolves with. */
function replying(change: (reply: Message) => Partial<Message>): () => Doctor {
  return () => ({
    publisher: (real) => ({
      request: async (message, options) => {
        const reply = await real.request(message, options);
        const changes = change(reply);
        return new Proxy(reply, {
          get: (target, property) => {
            if (property in changes) return Reflect.get(changes, property, changes);
            const value: unknown = Reflect.get(target, property, target);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      },
    }),
  });
}

/** Defects that show only where batches, seeks, transactions and requests meet something else. */
export const stepFaults: readonly Fault[] = [
  ...batchFaults,
  ...seekFaults,
  ...transactionFaults,
  ...requestFaults,
];
