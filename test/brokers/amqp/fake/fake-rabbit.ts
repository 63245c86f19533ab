import { EventEmitter } from "node:events";
import { isDeepStrictEqual } from "node:util";
import type {
  AmqpClient,
  ClientConnection,
  ConnectTarget,
  ExchangeSettings,
  QueueSettings,
  SocketSettings,
} from "../../../../src/brokers/amqp/client.ts";
import type { Clock } from "../../../../src/traits/index.ts";
import { FakeChannel, serverError } from "./fake-channel.ts";
import { type Entry, FakeQueue } from "./fake-queue.ts";

const replyQueue = "amq.rabbitmq.reply-to";

/** RabbitMQ and amqplib in one, on a virtual clock: what the adapter can see of both. */
export class FakeRabbit implements AmqpClient {
  readonly queues = new Map<string, FakeQueue>();
  readonly exchanges = new Map<string, string>([["", "default"]]);
  readonly connections: FakeConnection[] = [];
  /** Every call of `connect`. */
  readonly targets: ConnectTarget[] = [];
  version = "3.10.8";
  product = "RabbitMQ";
  /** What `connect` rejects with, while set. */
  refusal: unknown;
  /** Nothing is answered while set. */
  silent = false;
  bufferFull = false;
  /** What an interceptor on the server makes of each message that is published. */
  intercept: (entry: Entry) => Entry = (entry) => entry;
  readonly #clock: Clock;
  #bindings: { exchange: string; routingKey: string; target: string }[] = [];
  #kept: (() => void)[] = [];
  #names = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async connect(target: ConnectTarget, { signal }: SocketSettings): Promise<ClientConnection> {
    this.targets.push(target);
    await new Promise<void>((resolve) => this.later(resolve));
    if (signal.aborted) throw signal.reason;
    if (this.refusal !== undefined) throw this.refusal;
    const connection = new FakeConnection(this);
    signal.addEventListener("abort", () => connection.cut(signal.reason), { once: true });
    this.connections.push(connection);
    return connection;
  }

  /** The connection there is. */
  get connection(): FakeConnection {
    const [last] = this.connections.slice(-1);
    if (last === undefined) throw new Error("nobody is connected");
    return last;
  }

  get channels(): FakeChannel[] {
    return this.connections.flatMap(({ channels }) => channels);
  }

  /** As soon as the server answers. */
  later(work: () => void): void {
    if (this.silent) this.#kept.push(work);
    else queueMicrotask(work);
  }

  speak(): void {
    this.silent = false;
    for (const work of this.#kept.splice(0)) queueMicrotask(work);
  }

  queue(name: string): FakeQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw serverError(404, "NOT_FOUND", `no queue '${name}' in vhost '/'`);
    return queue;
  }

  queueFor(name: string, channel: FakeChannel): FakeQueue {
    if (name !== replyQueue) return this.queue(name);
    const address = this.replyAddress(channel);
    const queue = new FakeQueue(address, { durable: false, arguments: {} }, this.#clock, () => {});
    this.queues.set(address, queue);
    channel.once("close", () => this.queues.delete(address));
    return queue;
  }

  replyAddress(channel: FakeChannel): string {
    return `${replyQueue}.channel${this.channels.indexOf(channel)}`;
  }

  declareQueue(given: string, settings: QueueSettings, owner: FakeConnection): FakeQueue {
    this.#names += 1;
    const name = given === "" ? `amq.gen-${this.#names}` : given;
    const known = this.queues.get(name);
    if (known !== undefined) {
      if (isDeepStrictEqual(known.settings.arguments, settings.arguments)) return known;
      const text = `inequivalent arg 'x-queue-type' for queue '${name}' in vhost '/'`;
      throw serverError(406, "PRECONDITION_FAILED", text);
    }
    const queue = new FakeQueue(name, settings, this.#clock, (entry, reason, from) =>
      this.#deadLetter(entry, reason, from),
    );
    this.queues.set(name, queue);
    if (settings.exclusive === true) owner.once("close", () => this.queues.delete(name));
    return queue;
  }

  /** As by another client: its consumers are told. */
  deleteQueue(name: string): void {
    const queue = this.queue(name);
    this.queues.delete(name);
    for (const consumer of queue.consumers.splice(0)) consumer.cancelled();
  }

  declareExchange(name: string, type: string, _settings: ExchangeSettings): void {
    const known = this.exchanges.get(name);
    if (known !== undefined && known !== type) {
      throw serverError(406, "PRECONDITION_FAILED", `inequivalent arg 'type' for exchange '${name}'`);
    }
    this.exchanges.set(name, type);
  }

  bind(exchange: string, routingKey: string, target: string): void {
    if (!this.exchanges.has(exchange)) {
      throw serverError(404, "NOT_FOUND", `no exchange '${exchange}' in vhost '/'`);
    }
    this.#bindings.push({ exchange, routingKey, target });
  }

  publishFault(exchange: string): unknown {
    if (this.exchanges.has(exchange)) return undefined;
    return serverError(404, "NOT_FOUND", `no exchange '${exchange}' in vhost '/'`);
  }

  route(entry: Entry): "taken" | "refused" | "nowhere" {
    const { exchange, routingKey } = entry;
    const names =
      exchange === ""
        ? [routingKey]
        : this.#bindings
            .filter((binding) => binding.exchange === exchange && matches(binding.routingKey, routingKey))
            .map(({ target }) => target);
    const queues = names.flatMap((name) => this.queues.get(name) ?? []);
    if (queues.length === 0) return "nowhere";
    return queues.every((queue) => queue.push({ ...entry })) ? "taken" : "refused";
  }

  #deadLetter(entry: Entry, reason: string, from: FakeQueue): void {
    const { "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": key } = from.settings.arguments;
    if (typeof exchange !== "string") return;
    const { expiration: _, ...properties } = entry.properties;
    const death = { reason, queue: from.name, exchange: entry.exchange, "routing-keys": [entry.routingKey] };
    const { "x-death": deaths } = properties.headers ?? {};
    const history = [death, ...(Array.isArray(deaths) ? deaths : [])];
    const headers = { ...properties.headers, "x-death": history, "x-first-death-reason": reason };
    const routingKey = typeof key === "string" ? key : entry.routingKey;
    this.route({ ...entry, properties: { ...properties, headers }, exchange, routingKey, returns: 0 });
  }
}

function matches(pattern: string, routingKey: string): boolean {
  const tokens = pattern.split(".").map((token) => (token === "*" ? "[^.]+" : token === "#" ? ".*" : token));
  return new RegExp(`^${tokens.join("\\.")}$`).test(routingKey);
}

export class FakeConnection extends EventEmitter implements ClientConnection {
  readonly server: FakeRabbit;
  readonly channels: FakeChannel[] = [];
  readonly connection: ClientConnection["connection"];
  open = true;

  constructor(server: FakeRabbit) {
    super();
    this.server = server;
    const { product, version } = server;
    this.connection = { serverProperties: { product, version }, frameMax: 131_072 };
  }

  createChannel(): Promise<FakeChannel> {
    return this.#channel(false);
  }

  createConfirmChannel(): Promise<FakeChannel> {
    return this.#channel(true);
  }

  async close(): Promise<void> {
    if (!this.open) throw new Error("Connection closed");
    await new Promise<void>((resolve) => this.server.later(resolve));
    this.#end(undefined);
  }

  /** The connection is lost: by its socket, or by the server with an error of the protocol. */
  cut(error: unknown = new Error("Unexpected close")): void {
    if (!this.open) return;
    this.emit("error", error);
    this.#end(error);
  }

  block(reason: string): void {
    this.emit("blocked", reason);
  }

  unblock(): void {
    this.emit("unblocked");
  }

  #channel(confirms: boolean): Promise<FakeChannel> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error("Channel ended, no reply will be forthcoming"));
      if (!this.open) return ended();
      this.once("close", ended);
      this.server.later(() => {
        if (!this.open) return;
        this.off("close", ended);
        const channel = new FakeChannel(this, confirms);
        this.channels.push(channel);
        resolve(channel);
      });
    });
  }

  #end(error: unknown): void {
    if (!this.open) return;
    this.open = false;
    for (const channel of this.channels) channel.lose();
    this.emit("close", error);
  }
}
