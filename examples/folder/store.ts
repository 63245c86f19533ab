import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { MessageHeaders } from "tidelane";
import { lock } from "./lock.ts";

/** The content of a file. */
export interface Content {
  readonly topic: string;
  readonly headers: MessageHeaders;
  readonly payload: Uint8Array;
}

/** A message of one group. Its file exists until the message is done. */
export interface Entry {
  readonly file: string;
  /** The order of the messages in the folder. */
  readonly sequence: number;
  /** How often this process has delivered it. */
  deliveries: number;
}

/**
 * The messages of one group that nobody holds. A held message is a file too, so if the process dies, the next one
 * delivers it again.
 */
export class Queue {
  readonly folder: string;
  /** In the order of their sequence. */
  readonly #ready: Entry[] = [];
  /** Called when there is a message to take. */
  readonly readers: Set<() => void> = new Set();

  constructor(folder: string) {
    this.folder = folder;
  }

  take(): Entry | undefined {
    return this.#ready.shift();
  }

  /** Adds a new or a requeued message, before everything later. */
  put(entry: Entry): void {
    const behind = this.#ready.findIndex(({ sequence }) => sequence > entry.sequence);
    this.#ready.splice(behind < 0 ? this.#ready.length : behind, 0, entry);
    for (const tell of this.readers) tell();
  }
}

const stores = new Map<string, Store>();

/**
 * A folder of topics: `TOPIC/GROUP/SEQUENCE`, one file for each message. Every call is synchronous. So no two calls
 * overlap, and an earlier message has the lower number.
 */
export class Store {
  readonly #folder: string;
  readonly #unlock: () => void;
  readonly #queues = new Map<string, Map<string, Queue>>();
  #sequence = 0;
  #users = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#unlock = lock(folder);
    for (const topic of foldersIn(folder)) {
      for (const group of foldersIn(join(folder, topic))) this.#load(topic, group);
    }
  }

  /** The store of this folder. All connections of the process share it. */
  static use(folder: string): Store {
    mkdirSync(folder, { recursive: true });
    const path = realpathSync(folder);
    const store = stores.get(path) ?? new Store(path);
    stores.set(path, store);
    store.#users += 1;
    return store;
  }

  /** Each user calls it once. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    stores.delete(this.#folder);
    this.#unlock();
  }

  /** The queue of a group. A new one gets what is published from now on. */
  queue(topic: string, group: string): Queue {
    return this.#queueIn(nameOf(topic), nameOf(group));
  }

  /** Writes a copy for each group. A file appears with its whole content, or not at all. */
  publish(content: Content): void {
    this.#sequence += 1;
    const name = String(this.#sequence).padStart(16, "0");
    const bytes = encode(content);
    for (const queue of this.#queues.get(nameOf(content.topic))?.values() ?? []) {
      const file = join(queue.folder, name);
      writeFileSync(`${file}.part`, bytes);
      renameSync(`${file}.part`, file);
      queue.put({ file, sequence: this.#sequence, deliveries: 0 });
    }
  }

  #queueIn(topic: string, group: string): Queue {
    const groups = this.#queues.get(topic) ?? new Map<string, Queue>();
    this.#queues.set(topic, groups);
    const known = groups.get(group);
    if (known !== undefined) return known;
    const queue = new Queue(join(this.#folder, topic, group));
    mkdirSync(queue.folder, { recursive: true });
    groups.set(group, queue);
    return queue;
  }

  #load(topic: string, group: string): void {
    const queue = this.#queueIn(topic, group);
    for (const name of readdirSync(queue.folder)) {
      const file = join(queue.folder, name);
      const sequence = /^\d{16}$/.test(name) ? Number(name) : undefined;
      // What a process left half written when it was killed: its publish never resolved.
      if (sequence === undefined) rmSync(file, { force: true });
      else queue.put({ file, sequence, deliveries: 0 });
      this.#sequence = Math.max(this.#sequence, sequence ?? 0);
    }
  }
}

/** A topic may be `..`, or long, or differ from another one by case alone. A name on a disk may not. So it is a hash. */
function nameOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((each) =>
    each.isDirectory() ? [each.name] : [],
  );
}

type Field = readonly [name: string, value: string | { readonly base64: string }];

/** A line of JSON, then the payload as it is. */
function encode({ topic, headers, payload }: Content): Uint8Array {
  const fields = Array.from(headers, ([name, value]): Field => {
    return [name, typeof value === "string" ? value : { base64: Buffer.from(value).toString("base64") }];
  });
  return Buffer.concat([Buffer.from(`${JSON.stringify({ topic, fields })}\n`), payload]);
}

export function read({ file }: Entry): Content {
  const bytes = readFileSync(file);
  const end = bytes.indexOf("\n");
  const { topic, fields }: { topic: string; fields: Field[] } = JSON.parse(bytes.toString("utf8", 0, end));
  const headers = fields.map(([name, value]) => {
    return [
      name,
      typeof value === "string" ? value : Uint8Array.from(Buffer.from(value.base64, "base64")),
    ] as const;
  });
  return { topic, headers: MessageHeaders.from(headers), payload: Uint8Array.from(bytes.subarray(end + 1)) };
}

export function remove({ file }: Entry): void {
  rmSync(file, { force: true });
}
