import { nextTurn, sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { DeliveryRevokedError } from "../../../traits/errors.ts";
import { reportError } from "../../shared/error-report.ts";
import type { Argument, OpenConnection, Reply } from "../client.ts";
import { isPassing, readFault } from "../errors.ts";
import { deliveries, type RedisMessage, type Settler } from "../message/message.ts";
import type { StreamContext } from "./context.ts";
import type { HeldDeliveries } from "./held-deliveries.ts";
import { dropScript, renewScript, requeueScript, type Script } from "./scripts.ts";

/** What follows from a settle. None of these may throw. */
export interface SettlementEvents {
  /** There is room for another delivery. */
  settled(): void;
  /** Something was given back at once. */
  requeued(): void;
}

/** A call of a script for one delivery. */
interface Change {
  readonly message: RedisMessage;
  readonly args: readonly Argument[];
  readonly result: Deferred<void>;
}

/** Between a call that was not answered, or was refused for now, and the next. */
const repeatMs = 20;

/** Acks in one command at most. */
const mostAcks = 1_000;

/**
 * Sends what becomes of the deliveries of a subscription, once a turn. While there is no connection it keeps what is to be
 * sent: the deliveries stay this consumer's over a reconnect.
 */
export class Settlement implements Settler {
  readonly #context: StreamContext;
  readonly #held: HeldDeliveries;
  readonly #events: SettlementEvents;
  /** Acked, and not known to the server for certain. */
  #acked = new Set<string>();
  #changes = new Map<Script, Change[]>();
  #planned = false;
  /** Everything that is on its way. */
  readonly #sending = new Set<Promise<void>>();
  #over = false;

  constructor(context: StreamContext, held: HeldDeliveries, events: SettlementEvents) {
    this.#context = context;
    this.#held = held;
    this.#events = events;
  }

  /** Acked, and perhaps still pending at the server. */
  get unconfirmed(): Iterable<string> {
    return this.#acked;
  }

  ack(message: RedisMessage): void {
    this.#held.settle(message);
    this.#acked.add(message.position);
    this.#plan();
    this.#events.settled();
  }

  drop(message: RedisMessage): Promise<void> | void {
    if (this.#context.settings.deadLetter === undefined) return this.ack(message);
    this.#held.settle(message);
    return this.#change(dropScript, message, []);
  }

  async requeue(message: RedisMessage, delayMs: number): Promise<void> {
    this.#held.settle(message);
    await this.#change(requeueScript, message, [String(Math.ceil(delayMs))]);
    if (delayMs === 0) this.#events.requeued();
  }

  async keepAlive(message: RedisMessage): Promise<void> {
    await this.#change(renewScript, message, []);
    this.#held.renew(message);
  }

  /** Sends what waits, also what was sent and got no answer. */
  flush(): void {
    const { usable } = this.#context.connection;
    if (usable === undefined || this.#over) return;
    const changes = this.#changes;
    this.#changes = new Map();
    // A delivery may be renewed and then settled in one turn.
    const renewals = changes.get(renewScript);
    if (renewals !== undefined) this.#track(this.#sendChanges(usable, renewScript, renewals));
    changes.delete(renewScript);
    if (this.#acked.size > 0) this.#track(this.#sendAcks(usable));
    for (const [script, list] of changes) this.#track(this.#sendChanges(usable, script, list));
  }

  /** Resolves when everything was sent and answered, or cannot be. */
  async end(): Promise<void> {
    this.flush();
    while (this.#sending.size > 0 && this.#context.connection.usable !== undefined) {
      await Promise.all(this.#sending);
      this.flush();
    }
  }

  /** What has no answer by now gets none: the deliveries are revoked. */
  abandon(reason: string): void {
    this.#over = true;
    for (const change of [...this.#changes.values()].flat()) this.#revoke(change, reason);
    this.#changes.clear();
    this.#acked.clear();
  }

  #change(script: Script, message: RedisMessage, args: readonly string[]): Promise<void> {
    const result = deferred<void>();
    const change = { message, args: [message.position, String(message.deliveryCount), ...args], result };
    const others = this.#changes.get(script);
    if (others === undefined) this.#changes.set(script, [change]);
    else others.push(change);
    this.#plan();
    return result.promise;
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    void nextTurn().then(() => {
      this.#planned = false;
      this.flush();
    });
  }

  #track(sending: Promise<void>): void {
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }

  /** Does not reject. */
  async #sendAcks(to: OpenConnection): Promise<void> {
    const acked = [...this.#acked];
    this.#acked = new Set();
    const { stream } = this.#context.settings;
    for (let first = 0; first < acked.length; first += mostAcks) {
      const ids = acked.slice(first, first + mostAcks);
      try {
        await to.call("XACK", stream, this.#context.group.name, ...ids);
      } catch (error) {
        if (this.#mayRepeat(error)) {
          for (const id of ids) this.#acked.add(id);
          void sleep(this.#context.connection.settings.clock, repeatMs).then(() => this.flush());
        } else reportError({ topic: stream, error: this.#context.connection.settings.secrets.cause(error) });
      }
    }
  }

  /** Does not reject. */
  async #sendChanges(to: OpenConnection, script: Script, changes: Change[], again = false): Promise<void> {
    let answers: Reply;
    try {
      answers = await this.#context.run(
        to,
        script,
        changes.flatMap(({ args }) => args),
      );
    } catch (error) {
      if (!this.#mayRepeat(error)) {
        for (const { result } of changes)
          result.reject(this.#context.connection.settings.secrets.cause(error));
        return;
      }
      // The answer may have been lost. A second try that finds the delivery not held any more was settled by the first.
      return this.#repeat(script, changes);
    }
    const list = Array.isArray(answers) ? answers : [];
    for (const [index, change] of changes.entries()) {
      if (list[index] === 1 || again) change.result.resolve();
      else this.#revoke(change, "the server gave it to another member, or its group was moved");
    }
    this.#events.settled();
  }

  async #repeat(script: Script, changes: Change[]): Promise<void> {
    const { connection } = this.#context;
    try {
      await sleep(connection.settings.clock, repeatMs);
      const open = await connection.whenOpen("This settle");
      if (!this.#over) return await this.#sendChanges(open, script, changes, true);
    } catch {
      // It is closed.
    }
    for (const change of changes) this.#revoke(change, "its connection ended");
  }

  #mayRepeat(error: unknown): boolean {
    const fault = readFault(error);
    return !fault.answered || isPassing(fault);
  }

  #revoke({ message, result }: Change, reason: string): void {
    deliveries.revoke(message, reason);
    result.reject(message.revoked ?? new DeliveryRevokedError({ topic: message.topic, reason }));
  }
}
