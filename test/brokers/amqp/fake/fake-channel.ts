import { EventEmitter } from "node:events";
import type {
  AmqpTable,
  ClientConfirmChannel,
  ClientMessage,
  ConsumeSettings,
  DeliveryRef,
  ExchangeSettings,
  PublishSettings,
  QueueSettings,
} from "../../../../src/brokers/amqp/client.ts";
import type { Entry, FakeConsumer, FakeQueue } from "./fake-queue.ts";
import type { FakeConnection } from "./fake-rabbit.ts";

/** What the client throws when a channel is used that is closed. */
export class IllegalOperationError extends Error {
  override readonly name = "IllegalOperationError";
}

/** An error of the client for a channel, or connection, that the server has closed. */
export function serverError(code: number, name: string, text: string): Error {
  const words = name.replace("_", "-");
  const message = `Operation failed: Something; ${code} (${words}) with message "${name} - ${text}"`;
  return Object.assign(new Error(message), { code });
}

/** If a request is published without a consumer for its reply, the server closes the channel. */
const noReplyConsumer = serverError(406, "PRECONDITION_FAILED", "fast reply consumer does not exist");

/** One channel as amqplib 2.3 has it: answers come later than the call, and events in the client's order. */
export class FakeChannel extends EventEmitter implements ClientConfirmChannel {
  readonly #connection: FakeConnection;
  readonly #confirms: boolean;
  readonly held = new Map<number, { readonly queue: FakeQueue; readonly entry: Entry }>();
  prefetchCount = Number.POSITIVE_INFINITY;
  /** What the server was told, in the order it was told. */
  readonly frames: string[] = [];
  #consumers: [FakeQueue, FakeConsumer][] = [];
  #tag = 0;
  #published = 0;
  #open = true;

  constructor(connection: FakeConnection, confirms: boolean) {
    super();
    this.#connection = connection;
    this.#confirms = confirms;
  }

  get open(): boolean {
    return this.#open;
  }

  assertQueue(name: string, settings: QueueSettings): Promise<{ queue: string }> {
    return this.#rpc(() => ({
      queue: this.#connection.server.declareQueue(name, settings, this.#connection).name,
    }));
  }

  checkQueue(name: string): Promise<{ consumerCount: number }> {
    return this.#rpc(() => ({
      consumerCount: this.#connection.server.queueFor(name, this).consumers.length,
    }));
  }

  checkExchange(name: string): Promise<unknown> {
    return this.#rpc(() => {
      const fault = this.#connection.server.publishFault(name);
      if (fault !== undefined) throw fault;
    });
  }

  assertExchange(name: string, type: string, settings: ExchangeSettings): Promise<unknown> {
    return this.#rpc(() => this.#connection.server.declareExchange(name, type, settings));
  }

  bindQueue(queue: string, exchange: string, routingKey: string, _args?: AmqpTable): Promise<unknown> {
    return this.#rpc(() => this.#connection.server.bind(exchange, routingKey, queue));
  }

  bindExchange(target: string, exchange: string, routingKey: string, _args?: AmqpTable): Promise<unknown> {
    return this.#rpc(() => this.#connection.server.bind(exchange, routingKey, `exchange ${target}`));
  }

  prefetch(count: number): Promise<unknown> {
    return this.#rpc(() => {
      this.prefetchCount = count;
    });
  }

  consume(
    name: string,
    onMessage: (message: ClientMessage | null) => void,
    { noAck = false, exclusive = false }: ConsumeSettings,
  ): Promise<{ consumerTag: string }> {
    return this.#rpc(() => {
      const { server } = this.#connection;
      const queue = server.queueFor(name, this);
      if (queue.consumers.length > 0 && exclusive) {
        throw serverError(403, "ACCESS_REFUSED", `queue '${name}' in vhost '/' in exclusive use`);
      }
      const consumer: FakeConsumer = {
        prefetch: noAck ? Number.POSITIVE_INFINITY : this.prefetchCount,
        held: this.held,
        deliver: (from, entry, message, redelivered) => {
          this.#tag += 1;
          const fields = {
            deliveryTag: this.#tag,
            redelivered,
            exchange: entry.exchange,
            routingKey: entry.routingKey,
          };
          if (!noAck) this.held.set(this.#tag, { queue: from, entry });
          queueMicrotask(() => {
            if (this.#open) onMessage({ ...message, fields });
          });
        },
        cancelled: () => onMessage(null),
      };
      this.#consumers.push([queue, consumer]);
      queue.consumers.push(consumer);
      queueMicrotask(() => queue.pump());
      return { consumerTag: String(this.#consumers.length - 1) };
    });
  }

  cancel(consumerTag: string): Promise<unknown> {
    return this.#rpc(() => this.#forget(Number(consumerTag)));
  }

  ack({ fields: { deliveryTag } }: DeliveryRef, allUpTo: boolean): void {
    this.#send(`ack ${deliveryTag}${allUpTo ? " and before" : ""}`);
    if (!this.held.has(deliveryTag)) this.#unknown(deliveryTag);
    const tags = allUpTo ? [...this.held.keys()].filter((tag) => tag <= deliveryTag) : [deliveryTag];
    const queues = new Set(tags.map((tag) => this.held.get(tag)?.queue));
    for (const tag of tags) this.held.delete(tag);
    for (const queue of queues) queueMicrotask(() => queue?.pump());
  }

  reject({ fields: { deliveryTag } }: DeliveryRef, requeue: boolean): void {
    this.#send(`reject ${deliveryTag}${requeue ? ", requeue" : ""}`);
    const held = this.held.get(deliveryTag);
    this.held.delete(deliveryTag);
    if (held === undefined) this.#unknown(deliveryTag);
    else if (requeue) held.queue.giveBack(held.entry, false);
    else held.queue.drop(held.entry, "rejected");
    held?.queue.pump();
  }

  publish(exchange: string, routingKey: string, content: Buffer, settings: PublishSettings): boolean {
    this.#send(`publish ${exchange}/${routingKey}`);
    const { server } = this.#connection;
    this.#published += 1;
    const deliveryTag = this.#published;
    const { mandatory, persistent = false, ...properties } = settings;
    const asks = settings.replyTo === "amq.rabbitmq.reply-to";
    const replyTo = asks ? server.replyAddress(this) : settings.replyTo;
    const entry: Entry = {
      content: Buffer.from(content),
      properties: {
        ...properties,
        ...(replyTo !== undefined && { replyTo }),
        headers: { ...settings.headers },
        deliveryMode: persistent ? 2 : 1,
      },
      exchange,
      routingKey,
      returns: 0,
    };
    server.later(() => {
      if (!this.#open) return;
      const fault = asks && !this.#hasReplyConsumer ? noReplyConsumer : server.publishFault(exchange);
      if (fault !== undefined) return this.closeByServer(fault);
      const taken = server.route(entry);
      if (taken === "nowhere" && mandatory === true) {
        const { content, properties } = entry;
        this.emit("return", { content, properties, fields: { exchange, routingKey } });
      }
      if (this.#confirms) this.emit(taken === "refused" ? "nack" : "ack", { deliveryTag, multiple: false });
    });
    return server.bufferFull !== true;
  }

  /** As the client: it forgets the call where the connection is lost before the answer, and the promise never settles. */
  async close(): Promise<void> {
    this.#send("close");
    const { server } = this.#connection;
    await new Promise<void>((resolve) => server.later(() => this.#open && resolve()));
    this.lose();
  }

  /** As the server closes a channel alone. */
  closeByServer(error: unknown): void {
    if (!this.#open) return;
    this.emit("error", error);
    this.lose();
  }

  /** The end of it, however it came; what it held goes back. */
  lose(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const index of this.#consumers.keys()) this.#forget(index);
    const held = [...this.held.values()].reverse();
    this.held.clear();
    for (const { queue, entry } of held) queue.giveBack(entry, true);
    this.emit("close");
  }

  get #hasReplyConsumer(): boolean {
    return this.#consumers.some(([queue]) => queue.name === this.#connection.server.replyAddress(this));
  }

  #forget(index: number): void {
    const [queue, consumer] = this.#consumers[index] ?? [];
    const at = consumer === undefined ? -1 : (queue?.consumers.indexOf(consumer) ?? -1);
    if (at >= 0) queue?.consumers.splice(at, 1);
    queueMicrotask(() => queue?.pump());
  }

  #send(frame: string): void {
    if (!this.#open) throw new IllegalOperationError("Channel closed");
    this.frames.push(frame);
  }

  #unknown(tag: number): void {
    const error = serverError(406, "PRECONDITION_FAILED", `unknown delivery tag ${tag}`);
    this.#connection.server.later(() => this.closeByServer(error));
  }

  #rpc<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#open) return reject(new IllegalOperationError("Channel closed"));
      const ended = (): void => reject(new Error("Channel ended, no reply will be forthcoming"));
      this.once("close", ended);
      this.#connection.server.later(() => {
        if (!this.#open) return;
        this.off("close", ended);
        try {
          resolve(work());
        } catch (error) {
          reject(error);
          this.closeByServer(error);
        }
      });
    });
  }
}
