import type {
  MemoryConnection,
  MemoryPublisher,
  OutgoingMessage,
  Publisher,
  PublishOptions,
  SubscribeOptions,
} from "tidelane";
import type { Fault } from "./doctored.ts";

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

/** Defects of transactions that meet kills, closes, signals, full topics and new groups. */
export const transactionFaults: readonly Fault[] = [
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
    defect: "close() of a connection commits what is open",
    law: "transaction-visibility",
    doctor: () => {
      const { publisher, show } = leaking();
      return {
        publisher,
        connection: (real) => ({
          close: () => {
            if (real.state === "open") show(real.publisher());
            return real.close();
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
