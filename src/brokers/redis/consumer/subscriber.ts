import { randomUUID } from "node:crypto";
import { Outlet } from "../../../structures/outlet.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import type { Clock } from "../../../traits/clock.ts";
import { type ConnectFailedError, isTidelaneError, SubscriptionFailedError } from "../../../traits/errors.ts";
import type {
  BatchOptions,
  BatchSubscriber,
  Pausable,
  Seekable,
  SubscriberIterator,
} from "../../../traits/subscriber.ts";
import { Batches } from "../../shared/batches.ts";
import { within } from "../../shared/within.ts";
import type { ConnectionListener, ServerConnection } from "../client.ts";
import { subscriptionFailure } from "../errors.ts";
import { type DeliveredEntry, RedisMessage } from "../message/message.ts";
import type { StreamSettings } from "../options.ts";
import { Group } from "../topology/topology.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { StreamContext } from "./context.ts";
import { HeldDeliveries, isLive } from "./held-deliveries.ts";
import { Reader } from "./reader.ts";
import { leaveScript, movedPrefix, moveScript } from "./scripts.ts";
import { locate, type RedisPosition } from "./seek.ts";
import { Settlement } from "./settlement.ts";

/** A member of a group of a stream, over all reconnects. */
export class RedisSubscriber implements BatchSubscriber<RedisMessage>, Seekable<RedisPosition>, Pausable {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly #connection: ServerConnection;
  readonly #context: StreamContext;
  readonly #outlet: Outlet<RedisMessage>;
  readonly #held: HeldDeliveries;
  readonly #settlement: Settlement;
  readonly #reader: Reader;
  readonly #listener: ConnectionListener;
  readonly #closing = new AbortController();
  #paused = false;
  #ending: Promise<void> | undefined;

  private constructor(context: StreamContext) {
    const { connection, settings } = context;
    this.topic = settings.stream;
    this.capabilities = capabilitiesOf(settings);
    this.clock = connection.settings.clock;
    this.#connection = connection;
    this.#context = context;
    this.#outlet = new Outlet<RedisMessage>(settings.stream, {
      take: (max) => this.#take(max),
      wanted: () => this.#reader.proceed(),
      released: () => this.#reader.release(),
    });
    this.#held = new HeldDeliveries(this.clock, settings.ackDeadlineMs, () => this.#reader.lookAgain());
    this.#settlement = new Settlement(context, this.#held, {
      settled: () => this.#reader.proceed(),
      requeued: () => this.#reader.lookAgain(),
    });
    this.#reader = new Reader(
      context,
      {
        room: () => this.#room(),
        known: () => [...this.#held.ids, ...this.#settlement.unconfirmed],
        holds: () => this.#held.size > 0,
        delivered: (entries) => this.#deliver(entries),
        moved: () => void this.#held.revokeAll("its group was moved by a seek"),
        failed: (error) => this.#fail(error),
      },
      this.#closing.signal,
    );
    this.#listener = {
      connectionRestored: () => {
        this.#settlement.flush();
        this.#reader.proceed();
      },
      connectionEnded: (failure) => this.#endWithConnection(failure),
    };
    connection.add(this.#listener);
  }

  /** @internal Resolves when the group is there. Rejects with `SubscriptionFailedError` where the server refuses it. */
  static async open(connection: ServerConnection, settings: StreamSettings): Promise<RedisSubscriber> {
    const group = new Group(settings);
    const context = new StreamContext(connection, settings, group, `tidelane:${randomUUID()}`);
    const open = await connection.whenOpen("subscribe()");
    try {
      await group.open(open);
      await open.call("XGROUP", "CREATECONSUMER", settings.stream, group.name, context.consumer);
    } catch (error) {
      connection.check("subscribe()");
      if (isTidelaneError(error)) throw error;
      throw subscriptionFailure(settings.stream, error, connection.settings.secrets);
    }
    connection.check("subscribe()");
    return new RedisSubscriber(context);
  }

  [Symbol.asyncIterator](): SubscriberIterator<RedisMessage> {
    return this.#outlet.iterate();
  }

  /** `maxWaitMs` has to be less than the ack deadline. */
  batches(options: BatchOptions): AsyncIterable<RedisMessage[]> {
    const supply = {
      iterate: () => this.#outlet.iterate(),
      giveBack: (messages: readonly RedisMessage[]) => this.#held.giveBack(messages),
      isLive,
    };
    return new Batches(supply, this.clock, options, this.#context.settings.ackDeadlineMs);
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Reads nothing more; what is on its way is still handed out. */
  pause(): void {
    this.#paused = true;
    void this.#reader.release();
  }

  resume(): void {
    this.#paused = false;
    this.#reader.proceed();
  }

  /** Moves the whole group, and takes from each of its members what it holds. */
  async seek(position: RedisPosition): Promise<void> {
    this.#connection.check("seek()");
    if (this.#closing.signal.aborted) {
      const reason = "it is closed, so seek() is not possible";
      throw new SubscriptionFailedError({ topic: this.topic, reason });
    }
    const { stream } = this.#context.settings;
    const open = await this.#connection.whenOpen("seek()");
    const after = await locate(stream, position, open);
    const resume = await this.#reader.suspend();
    try {
      await this.#settlement.end();
      const mark = `${movedPrefix}${randomUUID()}`;
      await this.#context.run(open, moveScript, [after, mark]);
      this.#reader.markMoved(mark);
      this.#held.revokeAll("its group was moved by a seek");
    } catch (error) {
      throw subscriptionFailure(stream, error, this.#connection.settings.secrets);
    } finally {
      resume();
    }
  }

  async close(): Promise<void> {
    await this.#end("its subscriber was closed", undefined);
    this.#connection.delete(this.#listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(max: number): RedisMessage[] {
    const taken = this.#held.take(max);
    if (taken.length > 0) this.#reader.proceed();
    return taken;
  }

  #room(): number {
    const { prefetch, maxInFlight } = this.#context.settings;
    const ahead = this.#held.buffered;
    if (!this.#outlet.active || this.#paused || ahead > prefetch / 2) return 0;
    return Math.min(prefetch - ahead, maxInFlight - this.#held.size);
  }

  #deliver(entries: readonly DeliveredEntry[]): void {
    for (const entry of entries) {
      this.#context.group.delivered(entry.id);
      this.#held.add(new RedisMessage(this.topic, entry, this.#settlement));
    }
    if (entries.length > 0) this.#outlet.serve();
  }

  #fail(error: unknown): void {
    this.#connection.delete(this.#listener);
    const failure = isTidelaneError(error)
      ? error
      : subscriptionFailure(this.topic, error, this.#connection.settings.secrets);
    void this.#end("its subscription ended", failure);
  }

  #endWithConnection(failure: ConnectFailedError | undefined): Promise<void> {
    if (failure === undefined) return this.#end("its connection was closed", undefined);
    const reason = "its connection was lost and could not be restored";
    return this.#end(reason, new SubscriptionFailedError({ topic: this.topic, reason, cause: failure }));
  }

  #end(reason: string, failure: Error | undefined): Promise<void> {
    this.#ending ??= this.#finish(reason, failure);
    return this.#ending;
  }

  /** Never rejects. */
  async #finish(reason: string, failure: Error | undefined): Promise<void> {
    this.#outlet.end(failure && { error: failure });
    const { closeTimeoutMs } = this.#connection.settings;
    if (this.#connection.usable !== undefined) {
      await within(this.clock, closeTimeoutMs, this.#leave(reason));
    }
    this.#closing.abort();
    this.#reader.destroy();
    this.#held.revokeAll(reason, failure);
    this.#settlement.abandon(reason);
  }

  /** Gives back what is held, after everything that was settled has reached the server. */
  async #leave(reason: string): Promise<void> {
    await this.#reader.close();
    await this.#settlement.end();
    const { usable } = this.#connection;
    const unseen = this.#held.revokeAll(reason);
    if (usable === undefined) return;
    const { group } = this.#context;
    if (group.isOwn) await group.delete(usable);
    else await this.#context.run(usable, leaveScript, unseen);
  }
}
