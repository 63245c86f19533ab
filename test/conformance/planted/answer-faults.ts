import { type MemoryMessage, type Message, MessageHeaders } from "tidelane";
import { type Fault, override } from "./doctored.ts";

const resolved = (): Promise<void> => Promise.resolve();

/** Changes every reply to a request. */
function replying(change: (reply: Message) => Partial<Message>): Fault["doctor"] {
  return () => ({
    publisher: (real) => ({
      request: async (message, options) => {
        const reply = await real.request(message, options);
        return override(reply, change(reply));
      },
    }),
  });
}

/** Replaces the signal of every message by one of its own, which `begin` may abort. */
function signalling(
  begin: (real: MemoryMessage, own: AbortController) => Partial<MemoryMessage>,
): Fault["doctor"] {
  return () => ({
    message: (real) => {
      const own = new AbortController();
      return { signal: own.signal, ...begin(real, own) };
    },
  });
}

const never = new AbortController().signal;

/** Answers that a user acts on, and that are wrong. */
export const answerFaults: readonly Fault[] = [
  {
    defect: "the signal does not abort at the ack deadline",
    law: "ack-deadline",
    doctor: () => ({
      message: (real) => ({
        get signal() {
          return real.revoked?.reason.includes("ack deadline") ? never : real.signal;
        },
      }),
    }),
  },
  {
    defect: "a delivery whose ack deadline passed does not say that it is revoked, until it is settled",
    law: "ack-deadline",
    doctor: () => ({
      message: (real) => {
        const isHidden = (): boolean => real.revoked?.reason.includes("ack deadline") === true;
        return {
          get revoked() {
            return isHidden() ? undefined : real.revoked;
          },
          get signal() {
            return isHidden() ? never : real.signal;
          },
        };
      },
    }),
  },
  {
    defect: "an ack aborts the signal",
    law: "settle-after-revocation",
    doctor: signalling((real, own) => {
      real.signal.addEventListener("abort", () => own.abort(real.revoked));
      return {
        ack: async () => {
          await real.ack();
          own.abort();
        },
      };
    }),
  },
  {
    defect: "the signal aborts twice",
    law: "settle-after-revocation",
    doctor: () => ({
      message: (real) => {
        const again = (): boolean => real.signal.dispatchEvent(new Event("abort"));
        real.signal.addEventListener("abort", () => queueMicrotask(again), { once: true });
        return {};
      },
    }),
  },
  {
    defect: "the reason of the signal is not the revocation",
    law: "settle-after-revocation",
    doctor: signalling((real, own) => {
      real.signal.addEventListener("abort", () => own.abort(new Error("the connection is closed")));
      return {};
    }),
  },
  {
    defect: "the signal aborts a while after the delivery was revoked",
    law: "settle-after-revocation",
    doctor: (clock) =>
      signalling((real, own) => {
        real.signal.addEventListener("abort", () => clock.schedule(1, () => own.abort(real.revoked)));
        return {};
      })(clock),
  },
  {
    defect: "a delivery does not say that it was settled",
    law: "single-use",
    doctor: () => ({ message: () => ({ settled: false }) }),
  },
  {
    defect: "keepAlive resolves although the delivery was settled",
    law: "single-use",
    doctor: () => ({
      message: (real) => ({ keepAlive: () => (real.settled ? resolved() : real.keepAlive()) }),
    }),
  },
  {
    defect: "keepAlive resolves although the delivery is revoked",
    law: "settle-after-revocation",
    doctor: () => ({
      message: (real) => ({ keepAlive: () => (real.revoked ? resolved() : real.keepAlive()) }),
    }),
  },
  {
    defect: "a requeue is answered after the close of its subscriber",
    law: "close-returns-unsettled",
    doctor: (clock) => ({
      message: (real) => ({
        nack: async (options) => {
          await real.nack(options);
          await new Promise<void>((resolve) => clock.schedule(20, resolve));
        },
      }),
    }),
  },
  {
    defect: "a reply passes through text, so that bytes that are not UTF-8 change",
    law: "request-reply",
    doctor: replying((reply) => ({
      payload: new TextEncoder().encode(new TextDecoder().decode(reply.payload)),
    })),
  },
  {
    defect: "a reply has only the headers of the broker",
    law: "request-reply",
    doctor: replying((reply) => ({ headers: MessageHeaders.from(reply.headers).without("x-reply") })),
  },
  {
    defect: "a reply has no key",
    law: "request-reply",
    doctor: replying(() => ({ partitionKey: undefined as unknown as string })),
  },
  {
    defect: "a reply can be requeued",
    law: "request-reply",
    doctor: replying((reply) => ({ nack: () => reply.ack() })),
  },
  {
    defect: "a reply cannot be acked",
    law: "request-reply",
    doctor: replying((reply) => ({ ack: () => reply.nack() })),
  },
  {
    defect: "a reply can be settled twice",
    law: "request-reply",
    doctor: replying((reply) => ({
      ack: async () => {
        if (!reply.settled) await reply.ack();
      },
    })),
  },
  {
    defect: "a request leaves its timer when it was answered",
    law: "request-reply",
    doctor: (clock) => ({
      publisher: (real) => ({
        request: (message, options) => {
          clock.schedule(1_000_000, () => undefined);
          return real.request(message, options);
        },
      }),
    }),
  },
  {
    defect: "a loop of batches leaves a timer",
    law: "batches-bounded",
    doctor: (clock) => ({
      subscriber: (real) => ({
        batches: (options) => {
          clock.schedule(1_000_000, () => undefined);
          return real.batches(options);
        },
      }),
    }),
  },
  {
    defect: "a subscriber leaves a timer when it is closed",
    law: "quiet-after-close",
    doctor: (clock) => ({
      subscriber: (real) => ({
        close: async () => {
          clock.schedule(1_000_000, () => undefined);
          await real.close();
        },
      }),
    }),
  },
  {
    defect: "a crash rejects every next() that waits",
    law: "quiet-after-close",
    doctor: () => ({
      iterator: (real) => {
        let failure: unknown;
        return {
          next: async () => {
            try {
              const result = await real.next();
              if (result.done && failure !== undefined) throw failure;
              return result;
            } catch (error) {
              failure = error;
              throw error;
            }
          },
        };
      },
    }),
  },
  {
    defect: "a crash ends the iteration as a close would",
    law: "quiet-after-close",
    doctor: () => ({
      iterator: (real) => ({
        next: () => real.next().catch(() => ({ done: true, value: undefined })),
      }),
    }),
  },
];
