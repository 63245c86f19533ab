import type { MemoryMessage, MemorySubscriber } from "tidelane";
import type { Fault } from "./doctored.ts";

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Defects of seeks that meet calls that wait, delays, other members, pauses and ends. */
export const seekFaults: readonly Fault[] = [
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
            stale = last?.revoked === undefined ? undefined : last;
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
                    if (property === "revoked") return controller.signal.aborted ? target.revoked : undefined;
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
                if (by === self && message.revoked) controller.abort();
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
