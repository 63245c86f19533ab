import { headerNames, type Message, MessageHeaders } from "tidelane";
import type { Doctor, Fault } from "./doctored.ts";

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Defects of requests that meet others, ends, requeues and answers that are late. */
export const requestFaults: readonly Fault[] = [
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
    defect: "a request of a connection that closes is never answered",
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
