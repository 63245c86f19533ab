import type {
  ClientConnection,
  ClientHeaders,
  ClientMessage,
  ClientModule,
  ClientOptions,
  ClientPublishOptions,
  ClientServerInfo,
  ClientStatus,
  ClientSubscribeOptions,
  ClientSubscription,
} from "../../../../src/brokers/nats/client.ts";
import type { Clock } from "../../../../src/traits/index.ts";
import { FakeHeaders } from "./fake-headers.ts";
import { FakeJetStream } from "./fake-jetstream.ts";

export interface Published {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | undefined;
  readonly headers: FakeHeaders | undefined;
}

/** A server and its client in one: the declared subset, behaving as was seen of the two clients on a real server. */
export class FakeNats implements ClientModule {
  readonly connections: FakeConnection[] = [];
  readonly jetStream: FakeJetStream;
  info: ClientServerInfo = { version: "2.15.3", max_payload: 1_000 };
  /** How `connect` fails, or what it waits for. */
  refusal: Error | undefined = undefined;
  gate: Promise<void> | undefined = undefined;
  /** Subjects nobody may publish to, or subscribe to. */
  readonly denied = new Set<string>();
  /** All that was published by clients. */
  readonly log: Published[] = [];
  readonly #turns = new Map<string, number>();

  constructor(clock: Clock) {
    this.jetStream = new FakeJetStream(
      clock,
      (message, to) => void this.route(message, to),
      (subject) => this.#listening(subject).some(({ draining }) => !draining),
    );
  }

  headers(): FakeHeaders {
    return new FakeHeaders();
  }

  async connect(options: ClientOptions): Promise<FakeConnection> {
    await this.gate;
    if (this.refusal !== undefined) throw this.refusal;
    const connection = new FakeConnection(this, options);
    this.connections.push(connection);
    return connection;
  }

  /** The one that was opened last. */
  get line(): FakeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody has connected");
    return last;
  }

  publish(message: Published): void {
    this.log.push(message);
    if (this.jetStream.take(message)) return;
    const receivers = this.route(message);
    if (receivers > 0 || message.reply === undefined) return;
    const status = { subject: message.reply, data: new Uint8Array(), reply: undefined };
    this.route({ ...status, headers: new FakeHeaders(503, "") });
  }

  /** To everybody who listens on `to`, one of each queue group. Gives how many that were. */
  route(message: Published, to: string = message.subject): number {
    const listening = this.#listening(to);
    const groups = new Map<string, FakeSubscription[]>();
    for (const one of listening) {
      const name = one.queue ?? one.id;
      groups.set(name, [...(groups.get(name) ?? []), one]);
    }
    for (const [name, members] of groups) {
      const turn = this.#turns.get(name) ?? 0;
      this.#turns.set(name, turn + 1);
      const chosen = members[turn % members.length];
      queueMicrotask(() => chosen?.receive(message));
    }
    return groups.size;
  }

  #listening(subject: string): FakeSubscription[] {
    return this.connections
      .filter(({ up }) => up)
      .flatMap(({ subscriptions }) => [...subscriptions])
      .filter((subscription) => matches(subscription.subject, subject));
  }
}

export class FakeConnection implements ClientConnection {
  readonly options: ClientOptions;
  readonly subscriptions = new Set<FakeSubscription>();
  up = true;
  /** `flush` is not answered. */
  stalled = false;
  readonly #server: FakeNats;
  readonly #statuses: ClientStatus[] = [];
  #wake: (() => void) | undefined = undefined;
  #isClosed = false;
  readonly #closed: { promise: Promise<unknown>; resolve: (error: unknown) => void };
  readonly #flushes = new Set<(error: Error) => void>();

  constructor(server: FakeNats, options: ClientOptions) {
    this.#server = server;
    this.options = options;
    let resolve: (error: unknown) => void = () => {};
    const promise = new Promise<unknown>((done) => {
      resolve = done;
    });
    this.#closed = { promise, resolve };
  }

  get info(): ClientServerInfo {
    return this.#server.info;
  }

  /** The connection is lost; the client goes about getting it back. */
  lose(): void {
    this.up = false;
    for (const reject of this.#flushes) reject(new Error("disconnect"));
    this.#flushes.clear();
    this.tell({ type: "disconnect" });
    this.tell({ type: "reconnecting" });
  }

  restore(): void {
    this.up = true;
    this.tell({ type: "reconnect" });
  }

  /** The client gives up, or is closed from outside. */
  end(error?: Error): void {
    this.up = false;
    this.#isClosed = true;
    this.subscriptions.clear();
    this.#closed.resolve(error);
  }

  tell(status: ClientStatus): void {
    this.#statuses.push(status);
    this.#wake?.();
  }

  publish(subject: string, data: Uint8Array = new Uint8Array(), options: ClientPublishOptions = {}): void {
    if (this.#isClosed) throw new Error("closed connection");
    // Like the real clients: without a connection, the message is gone.
    if (!this.up) return;
    if (this.#server.denied.has(subject)) {
      this.tell({ type: "error", permissionContext: { operation: "publish", subject } });
      return;
    }
    const { reply, headers } = options;
    this.#server.publish({ subject, data, reply, headers: headers as FakeHeaders | undefined });
  }

  subscribe(subject: string, options: ClientSubscribeOptions): FakeSubscription {
    const subscription = new FakeSubscription(this, subject, options);
    this.subscriptions.add(subscription);
    if (this.#server.denied.has(subject)) {
      const error = Object.assign(new Error("denied"), { operation: "subscription", subject });
      queueMicrotask(() => options.callback(error, {} as ClientMessage));
    }
    return subscription;
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#flushes.add(reject);
      if (this.stalled || !this.up) return;
      queueMicrotask(() => {
        this.#flushes.delete(reject);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.end();
  }

  closed(): Promise<unknown> {
    return this.#closed.promise;
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  async *status(): AsyncGenerator<ClientStatus> {
    for (;;) {
      const next = this.#statuses.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  getServer(): string {
    return "127.0.0.1:4222";
  }
}

let subscriptions = 0;

export class FakeSubscription implements ClientSubscription {
  readonly id: string;
  readonly subject: string;
  readonly queue: string | undefined;
  /** The server has been told that nothing more is wanted; what is on its way still comes. */
  draining = false;
  readonly #connection: FakeConnection;
  readonly #callback: ClientSubscribeOptions["callback"];

  constructor(connection: FakeConnection, subject: string, { queue, callback }: ClientSubscribeOptions) {
    subscriptions += 1;
    this.id = `#${subscriptions}`;
    this.#connection = connection;
    this.subject = subject;
    this.queue = queue;
    this.#callback = callback;
  }

  receive({ subject, data, reply, headers }: Published): void {
    this.hand({
      subject,
      data,
      ...(reply === undefined ? {} : { reply }),
      ...(headers === undefined ? {} : { headers: headers as ClientHeaders }),
    });
  }

  hand(message: ClientMessage): void {
    if (this.#connection.subscriptions.has(this)) this.#callback(null, message);
  }

  unsubscribe(): void {
    this.#connection.subscriptions.delete(this);
  }

  async drain(): Promise<void> {
    this.draining = true;
    await this.#connection.flush();
    this.unsubscribe();
  }
}

export function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const given = subject.split(".");
  const open = wanted.at(-1) === ">";
  if (open ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((token, index) => token === "*" || (token === ">" && open) || token === given[index]);
}
