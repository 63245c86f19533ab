import { headerNames, type MemoryConnection, MessageHeaders, type OutgoingMessage } from "tidelane";
import type { Fault } from "./doctored.ts";
import { publishing } from "./faults.ts";

type Header = readonly [name: string, value: string | Uint8Array];

/** Passes the headers of every outgoing message through `change`. */
function rewriting(change: (headers: Header[]) => readonly Header[]): Fault["doctor"] {
  return publishing((message) => ({
    ...message,
    headers: change([...MessageHeaders.from(message.headers)]),
  }));
}

/** Passes the text of every header value through `change`. */
function respelling(change: (value: string) => string): Fault["doctor"] {
  return rewriting((headers) =>
    headers.map(([name, value]) => [name, typeof value === "string" ? change(value) : value]),
  );
}

/** Passes every key through `change`. */
function rekeying(change: (key: string) => string | undefined): Fault["doctor"] {
  return publishing(({ key, ...message }) => {
    const changed = key === undefined ? undefined : change(key);
    return changed === undefined ? message : { ...message, key: changed };
  });
}

/** Passes every payload through `change`, as the bytes it has. */
function repacking(change: (payload: Uint8Array) => Uint8Array | undefined): Fault["doctor"] {
  return publishing((message) => {
    const { payload } = message;
    const changed = typeof payload === "string" ? payload : change(payload);
    return changed === undefined ? undefined : { ...message, payload: changed };
  });
}

/** Passes every topic through `change`, of what is published and of what is subscribed to. */
function renaming(change: (topic: string) => string): Fault["doctor"] {
  return () => ({
    publisher: (real) => ({
      publish: (message, options) => real.publish({ ...message, topic: change(message.topic) }, options),
    }),
    connection: (real) => ({
      subscribe: ((topic: string, options: object) =>
        real.subscribe(change(topic), options)) as MemoryConnection["subscribe"],
    }),
  });
}

/** Changes what a dead letter is made of. */
function settingAside(
  change: (letter: {
    headers: MessageHeaders;
    payload: Uint8Array;
    partitionKey: string | undefined;
  }) => object,
): Fault["doctor"] {
  return () => ({
    message: (real) => {
      const { headers, payload, partitionKey } = real;
      return headers.has(headerNames.deadLetterAttempts) && headers.has(headerNames.deadLetterSource)
        ? change({ headers, payload, partitionKey })
        : {};
    },
  });
}

function lastOfEach(headers: MessageHeaders): MessageHeaders {
  let kept = MessageHeaders.empty;
  for (const [name, value] of headers) kept = kept.with(name, value);
  return kept;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Defects that show only where what is published is not plain. */
export const contentFaults: readonly Fault[] = [
  { defect: "keys are lower-cased", law: "header-fidelity", doctor: rekeying((key) => key.toLowerCase()) },
  { defect: "an empty key is none", law: "header-fidelity", doctor: rekeying((key) => key || undefined) },
  { defect: "keys are normalized", law: "header-fidelity", doctor: rekeying((key) => key.normalize("NFC")) },
  {
    defect: "a lone surrogate in a key is replaced, and nobody is told",
    law: "header-fidelity",
    doctor: rekeying((key) => key.toWellFormed()),
  },
  {
    defect: "a lone surrogate in a header is replaced, and nobody is told",
    law: "header-fidelity",
    doctor: respelling((value) => value.toWellFormed()),
  },
  {
    defect: "a header value is trimmed",
    law: "header-fidelity",
    doctor: respelling((value) => value.trim()),
  },
  {
    defect: "a header value is cut after 4,096 characters",
    law: "header-fidelity",
    doctor: respelling((value) => value.slice(0, 4_096)),
  },
  {
    defect: "a header value is Latin-1",
    law: "header-fidelity",
    doctor: respelling((value) => Buffer.from(value, "latin1").toString("latin1")),
  },
  {
    defect: "of many headers the first 32 are sent",
    law: "header-fidelity",
    doctor: rewriting((headers) => headers.slice(0, 32)),
  },
  {
    defect: "a header that occurs in two spellings is kept once",
    law: "header-fidelity",
    doctor: rewriting((headers) =>
      headers.filter(([name], index) => {
        const before = headers.slice(0, index).map(([other]) => other);
        return before.includes(name) || !before.some((other) => other.toLowerCase() === name.toLowerCase());
      }),
    ),
  },
  {
    defect: "headers that can be read once are read twice",
    law: "header-fidelity",
    doctor: publishing((message) => {
      void MessageHeaders.from(message.headers).size;
      return message;
    }),
  },
  ...Object.values(headerNames)
    .filter((name) => name !== headerNames.partitionKey)
    .map(
      (swallowed): Fault => ({
        defect: `the header "${swallowed}" is swallowed`,
        law: "header-fidelity",
        doctor: rewriting((headers) => headers.filter(([name]) => name !== swallowed)),
      }),
    ),
  {
    defect: "two messages of one message id are taken for one",
    law: "header-fidelity",
    doctor: () => {
      const seen = new Set<string>();
      return {
        publisher: (real) => ({
          publish: async (message, options) => {
            const id = MessageHeaders.from(message.headers).get(headerNames.messageId);
            if (id !== undefined && seen.has(id)) return;
            await real.publish(message, options);
            if (id !== undefined) seen.add(id);
          },
        }),
      };
    },
  },
  {
    defect: "a header is gone from a message that is published again with its retry count",
    law: "republish-keeps-headers",
    doctor: rewriting((headers) => {
      const isCopy = headers.some(([name]) => name === headerNames.retryCount);
      return isCopy ? headers.filter(([name]) => name !== headerNames.messageId) : headers;
    }),
  },
  {
    defect: "a duplicate header is collapsed in the dead letter",
    law: "dead-letter",
    doctor: settingAside(({ headers }) => ({ headers: lastOfEach(headers) })),
  },
  {
    defect: "a dead letter keeps no key but a plain one",
    law: "dead-letter",
    doctor: settingAside(({ partitionKey }) => ({
      partitionKey: partitionKey !== undefined && /^\w+$/.test(partitionKey) ? partitionKey : undefined,
    })),
  },
  {
    defect: "a dead letter passes through text",
    law: "dead-letter",
    doctor: settingAside(({ payload }) => ({ payload: encoder.encode(decoder.decode(payload)) })),
  },
  {
    defect: "a view is sent with its whole buffer",
    law: "payload-fidelity",
    doctor: repacking((payload) => new Uint8Array(payload.buffer)),
  },
  {
    defect: "a view is sent from the beginning of its buffer",
    law: "payload-fidelity",
    doctor: repacking((payload) => new Uint8Array(payload.buffer, 0, payload.byteLength)),
  },
  {
    defect: "shared memory is sent empty",
    law: "payload-fidelity",
    doctor: repacking((payload) =>
      payload.buffer instanceof SharedArrayBuffer ? new Uint8Array() : payload,
    ),
  },
  {
    defect: "the memory of a payload is used for the next one",
    law: "payload-fidelity",
    doctor: () => {
      const memory = new Uint8Array(100_000);
      return {
        message: ({ payload }) => {
          memory.set(payload);
          return { payload: memory.subarray(0, payload.byteLength) };
        },
      };
    },
  },
  {
    defect: "the largest payload there may be is cut",
    law: "payload-fidelity",
    doctor: repacking((payload) => payload.subarray(0, 99_999)),
  },
  {
    defect: "the largest payload there may be is refused",
    law: "payload-fidelity",
    doctor: () => ({
      publisher: (real) => ({
        publish: (message, options) =>
          message.payload.length === real.capabilities.maxPayloadBytes
            ? real.publish({ ...message, payload: new Uint8Array(message.payload.length + 1) }, options)
            : real.publish(message, options),
      }),
    }),
  },
  {
    defect: "text loses a byte order mark",
    law: "payload-fidelity",
    doctor: publishing((message) =>
      typeof message.payload === "string"
        ? { ...message, payload: message.payload.replace(/^\ufeff/, "") }
        : message,
    ),
  },
  {
    defect: "text is normalized",
    law: "payload-fidelity",
    doctor: publishing((message) =>
      typeof message.payload === "string"
        ? { ...message, payload: message.payload.normalize("NFC") }
        : message,
    ),
  },
  {
    defect: "a lone surrogate in text is replaced, and nobody is told",
    law: "publish-refuses",
    doctor: publishing((message) =>
      typeof message.payload === "string" ? { ...message, payload: message.payload.toWellFormed() } : message,
    ),
  },
  {
    defect: "the limit of a payload counts characters, and the rest is cut",
    law: "publish-refuses",
    doctor: publishing((message: OutgoingMessage) =>
      typeof message.payload === "string"
        ? { ...message, payload: encoder.encode(message.payload).subarray(0, 100_000) }
        : message,
    ),
  },
  {
    defect: "topics that are equal but for case are one",
    law: "topic-isolation",
    doctor: renaming((topic) => topic.toLowerCase()),
  },
  {
    defect: "topics that are equal but for punctuation are one",
    law: "topic-isolation",
    doctor: renaming((topic) => topic.replace(/[^A-Za-z0-9.]/g, "_")),
  },
  {
    defect: "a topic is a path, in which `..` leads up",
    law: "topic-names",
    doctor: renaming((topic) => new URL(`file:///${topic}`).pathname.slice(1) || "root"),
  },
  {
    defect: "`..` is a topic like any other where it is subscribed to, and refused where it is published to",
    law: "topic-names",
    doctor: () => ({
      publisher: (real) => ({
        publish: (message, options) =>
          real.publish({ ...message, topic: message.topic.includes("..") ? "" : message.topic }, options),
      }),
    }),
  },
  {
    defect: "a topic is cut after 255 letters",
    law: "topic-names",
    doctor: renaming((topic) => topic.slice(0, 255)),
  },
  { defect: "a topic is trimmed", law: "topic-names", doctor: renaming((topic) => topic.trim()) },
  {
    defect: "a topic is normalized",
    law: "topic-names",
    doctor: renaming((topic) => topic.normalize("NFC")),
  },
  {
    defect: "control characters in a topic are dropped",
    law: "topic-names",
    doctor: renaming((topic) => topic.replace(/\p{Cc}/gu, "")),
  },
  {
    defect: "a delay is a whole number of milliseconds, and what is behind the point is cut",
    law: "nack-after-never-early",
    doctor: () => ({
      message: (real) => ({ nackAfter: (delayMs) => real.nackAfter(Math.trunc(delayMs)) }),
    }),
  },
  {
    defect: "a delay of more than a minute is a minute",
    law: "nack-after-never-early",
    doctor: () => ({
      message: (real) => ({ nackAfter: (delayMs) => real.nackAfter(Math.min(delayMs, 60_000)) }),
    }),
  },
];
