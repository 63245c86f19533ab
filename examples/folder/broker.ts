// A broker of files, for the processes of one machine, one at a time. What is published survives a process that is killed.
import {
  type Broker,
  type Capabilities,
  ConnectFailedError,
  type Connection,
  ConnectionClosedError,
  type ConnectionState,
  checkOutgoing,
  headerNames,
  InvalidArgumentError,
  Message,
  type MessageHeaders,
  type OutgoingMessage,
  Outlet,
  type Publisher,
  type PublisherCapabilities,
  PublishFailedError,
  type PublishOptions,
  type Subscriber,
  type SubscriberIterator,
  type SubscriptionSource,
  throwIfAborted,
} from "tidelane";
import { type Content, type Entry, type Queue, read, remove, Store } from "./store.ts";

const limits: PublisherCapabilities = {
  confirmation: "broker",
  headerValues: "bytes",
  duplicateHeaders: true,
  maxPayloadBytes: 1_000_000,
  transactions: false,
  requestReply: false,
};

function claimsOf(maxInFlight: number): Capabilities {
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "none",
    deliveryCount: "process",
    order: "topic",
    partitionKey: true,
    groups: true,
    backlog: false,
    maxInFlight,
    deadLetter: false,
    batches: false,
    seek: false,
    pause: false,
  };
}

export class FolderMessage extends Message {
  readonly entry: Entry;
  readonly #content: Content;
  readonly #count: number;
  readonly #from: FolderSubscriber;

  constructor(content: Content, entry: Entry, from: FolderSubscriber) {
    super();
    this.#content = content;
    this.entry = entry;
    this.#count = entry.deliveries;
    this.#from = from;
  }

  get topic(): string {
    return this.#content.topic;
  }
  get payload(): Uint8Array {
    return this.#content.payload;
  }
  get headers(): MessageHeaders {
    return this.#content.headers;
  }
  override get deliveryCount(): number {
    return this.#count;
  }
  override get partitionKey(): string | undefined {
    return this.headers.get(headerNames.partitionKey);
  }

  protected override sendAck(): void {
    this.#from.finish(this);
  }
  protected override sendNack(requeue: boolean): void {
    if (requeue) this.#from.giveBack(this);
    else this.#from.finish(this);
  }
  override revoke(reason: string): void {
    super.revoke(reason);
  }
}

export class FolderSubscriber implements Subscriber<FolderMessage> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly #queue: Queue;
  readonly #held = new Set<FolderMessage>();
  readonly #outlet: Outlet<FolderMessage>;
  readonly #serve: () => void;
  readonly #onClose: (subscriber: FolderSubscriber) => void;

  constructor(
    facts: { readonly topic: string; readonly maxInFlight: number; readonly queue: Queue },
    onClose: (subscriber: FolderSubscriber) => void,
  ) {
    this.topic = facts.topic;
    this.capabilities = claimsOf(facts.maxInFlight);
    this.#queue = facts.queue;
    this.#onClose = onClose;
    this.#outlet = new Outlet<FolderMessage>(facts.topic, { take: (max) => this.#take(max) });
    this.#serve = () => this.#outlet.serve();
    this.#queue.readers.add(this.#serve);
  }

  [Symbol.asyncIterator](): SubscriberIterator<FolderMessage> {
    return this.#outlet.iterate();
  }

  /** The message is done, so its file goes. While a file exists, its message will be delivered again. */
  finish(message: FolderMessage): void {
    try {
      remove(message.entry);
    } catch (error) {
      this.giveBack(message);
      throw error;
    }
    this.#held.delete(message);
    this.#outlet.serve();
  }

  giveBack(message: FolderMessage): void {
    this.#held.delete(message);
    this.#queue.put(message.entry);
  }

  async close(): Promise<void> {
    this.end("its subscriber was closed");
  }

  /**
   * The order matters: first it takes nothing more, then its deliveries are revoked, and only then may others get
   * them.
   */
  end(reason: string, failure?: ConnectionClosedError): void {
    this.#queue.readers.delete(this.#serve);
    this.#onClose(this);
    const held = [...this.#held];
    this.#held.clear();
    this.#outlet.end(failure && { error: failure });
    for (const message of held) message.revoke(reason);
    for (const { entry } of held) this.#queue.put(entry);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(max: number): FolderMessage[] {
    const messages: FolderMessage[] = [];
    while (messages.length < max && this.#held.size < this.capabilities.maxInFlight && !this.#outlet.over) {
      const entry = this.#queue.take();
      if (entry === undefined) break;
      const content = this.#read(entry);
      if (content === undefined) continue;
      entry.deliveries += 1;
      const message = new FolderMessage(content, entry, this);
      this.#held.add(message);
      messages.push(message);
    }
    return messages;
  }

  /** Undefined if somebody has deleted the file. If it cannot be read, the subscription ends with the error. */
  #read(entry: Entry): Content | undefined {
    try {
      return read(entry);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      this.#queue.readers.delete(this.#serve);
      this.#queue.put(entry);
      this.#outlet.end({ error });
      return undefined;
    }
  }
}

export class FolderConnection implements Connection {
  readonly #store: Store;
  readonly #own = new Set<FolderSubscriber>();
  state: ConnectionState = "open";

  constructor(store: Store) {
    this.#store = store;
  }

  publisher(): Publisher {
    return { capabilities: limits, publish: async (message, options) => this.#publish(message, options) };
  }

  subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S> {
    return source.open(this);
  }

  open(topic: string, group: string, maxInFlight: number): FolderSubscriber {
    this.#check("subscribe()");
    const queue = this.#store.queue(topic, group);
    const subscriber = new FolderSubscriber({ topic, maxInFlight, queue }, (gone) => this.#own.delete(gone));
    this.#own.add(subscriber);
    return subscriber;
  }

  async close(): Promise<void> {
    this.#end("its connection was closed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends the connection as a crash would: one next() of each subscription rejects. */
  kill(): void {
    const failure = new ConnectionClosedError({ broker: "folder", during: "its connection was killed" });
    this.#end("its connection was killed", failure);
  }

  #end(reason: string, failure?: ConnectionClosedError): void {
    if (this.state === "closed") return;
    this.state = "closed";
    for (const subscriber of [...this.#own]) subscriber.end(reason, failure);
    this.#store.release();
  }

  #publish(message: OutgoingMessage, options?: PublishOptions): void {
    this.#check("publish()");
    throwIfAborted(options?.signal, "publish()");
    const checked = checkOutgoing(message, limits, { keyHeader: "partition-key" });
    try {
      this.#store.publish(checked);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PublishFailedError({ topic: checked.topic, reason, retryable: true, cause });
    }
  }

  #check(during: string): void {
    if (this.state === "closed") throw new ConnectionClosedError({ broker: "folder", during });
  }
}

export class FolderBroker implements Broker<FolderConnection> {
  readonly name = "folder";
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<FolderConnection> {
    throwIfAborted(options?.signal, "connect()");
    try {
      return new FolderConnection(Store.use(this.#folder));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConnectFailedError({ broker: this.name, reason, retryable: true, cause });
    }
  }
}

export function folderSource(
  topic: string,
  {
    group,
    maxInFlight = Number.POSITIVE_INFINITY,
  }: { readonly group: string; readonly maxInFlight?: number },
): SubscriptionSource<FolderConnection, FolderSubscriber> {
  checkName("topic", topic);
  checkName("group", group);
  return {
    topic,
    capabilities: claimsOf(maxInFlight),
    open: async (connection) => connection.open(topic, group, maxInFlight),
  };
}

/** Refuses what `checkOutgoing` refuses in a publish. A lone surrogate would get another name on the disk. */
function checkName(argument: string, text: string): void {
  if (text.length > 0 && text.isWellFormed() && !/\p{Cc}/u.test(text)) return;
  const expected = "a text of at least one character, without control characters and lone surrogates";
  throw new InvalidArgumentError({ argument, expected, received: text });
}
