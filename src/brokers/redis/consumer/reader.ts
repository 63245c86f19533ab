import { sleep } from "../../../traits/clock.ts";
import { Alarm } from "../../shared/alarm.ts";
import { Backoff } from "../../shared/backoff.ts";
import { reportError } from "../../shared/error-report.ts";
import type { BlockingCalls } from "../client.ts";
import { readFault, streamFault } from "../errors.ts";
import type { DeliveredEntry } from "../message/message.ts";
import { isMissing } from "../topology/stream.ts";
import { claim, readNew, reclaim } from "./claims.ts";
import type { StreamContext } from "./context.ts";

/** What a reader is given by its subscription. None of these may throw. */
export interface ReaderEvents {
  /** How many entries there is demand and room for now. */
  room(): number;
  /** Entries this member holds, or has settled perhaps without the server's knowing. */
  known(): Iterable<string>;
  /** Whether this member holds anything. */
  holds(): boolean;
  delivered(entries: readonly DeliveredEntry[]): void;
  /** Somebody has moved the group: what is held is revoked. */
  moved(): void;
  failed(error: unknown): void;
}

/**
 * Gets entries while there is demand: first what was given back or left by others, then what is new. One call at a time, so
 * that what comes never exceeds the room there was.
 */
export class Reader {
  readonly #context: StreamContext;
  readonly #events: ReaderEvents;
  readonly #closing: AbortSignal;
  readonly #reads: BlockingCalls;
  /** While nothing is read, a seek of another member still has to be noticed. */
  readonly #watch: Alarm;
  #running: Promise<void> | undefined;
  #suspended = 0;
  /** When to look for what others left. */
  #claimAt = Number.NEGATIVE_INFINITY;
  /** The last seek of the group that was seen. */
  #mark: string | undefined;

  constructor(context: StreamContext, events: ReaderEvents, closing: AbortSignal) {
    this.#context = context;
    this.#events = events;
    this.#closing = closing;
    this.#reads = context.connection.blocking(closing);
    this.#watch = new Alarm(context.connection.settings.clock, () => void this.#lookForMove());
    closing.addEventListener("abort", () => this.#watch.cancel(), { once: true });
  }

  /** There may be demand. */
  proceed(): void {
    if (this.#running !== undefined || !this.#mayRead()) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.proceed();
      this.#watchForMove();
    });
  }

  /** Something was given back: to be looked for before anything else. */
  lookAgain(): void {
    this.#claimAt = Number.NEGATIVE_INFINITY;
    if (this.#running === undefined) this.proceed();
    else void this.#reads.interrupt();
  }

  /** Ends the read that waits, if there is no demand for it any more. */
  async release(): Promise<void> {
    if (!this.#mayRead()) await this.#reads.interrupt();
  }

  /** Reads nothing until the function it gives is called. What is on its way is delivered before it resolves. */
  async suspend(): Promise<() => void> {
    this.#suspended += 1;
    await this.#reads.interrupt();
    await this.#running;
    return () => {
      this.#suspended -= 1;
      this.proceed();
    };
  }

  /** The group was moved from here. */
  markMoved(mark: string): void {
    this.#mark = mark;
  }

  /** As `suspend()`, for good. */
  async close(): Promise<void> {
    await this.suspend();
    this.#reads.destroy();
  }

  destroy(): void {
    this.#suspended += 1;
    this.#reads.destroy();
  }

  #mayRead(): boolean {
    return this.#suspended === 0 && !this.#closing.aborted && this.#events.room() > 0;
  }

  /** Does not reject. */
  async #run(): Promise<void> {
    const backoff = new Backoff(this.#context.connection.settings.reconnect);
    while (this.#mayRead()) {
      try {
        await this.#step();
        backoff.reset();
      } catch (error) {
        if (!(await this.#recover(error, backoff))) return;
      }
    }
  }

  async #step(): Promise<void> {
    const { connection, settings } = this.#context;
    const open = await connection.whenOpen("subscribe()");
    if (await this.#reads.open()) {
      // What the connection before this one was answered may have been lost with it.
      this.#events.delivered(await reclaim(this.#context, open, this.#events.known()));
    }
    const now = connection.settings.clock.now();
    if (now >= this.#claimAt) {
      this.#claimAt = now + settings.recoverEveryMs;
      const room = this.#events.room();
      const { mark, entries } = await claim(this.#context, open, room);
      this.#marked(mark);
      // There may be more, and it comes before what is new.
      if (entries.length >= room) this.#claimAt = Number.NEGATIVE_INFINITY;
      this.#events.delivered(entries);
    }
    if (!this.#mayRead() || this.#claimAt === Number.NEGATIVE_INFINITY) return;
    const waitMs = Math.max(1, Math.ceil(this.#claimAt - connection.settings.clock.now()));
    this.#events.delivered(await readNew(this.#context, this.#reads, this.#events.room(), waitMs));
  }

  #marked(mark: string): void {
    const before = this.#mark;
    this.#mark = mark;
    if (before !== undefined && before !== mark) this.#events.moved();
  }

  #watchForMove(): void {
    if (this.#running !== undefined || this.#closing.aborted || !this.#events.holds()) return;
    const { connection, settings } = this.#context;
    this.#watch.at(connection.settings.clock.now() + settings.recoverEveryMs);
  }

  /** Does not reject. */
  async #lookForMove(): Promise<void> {
    const { usable } = this.#context.connection;
    if (this.#running === undefined && this.#suspended === 0 && usable !== undefined) {
      // A failure shows when something is read.
      const found = await claim(this.#context, usable, 0).catch(() => undefined);
      if (found !== undefined && this.#suspended === 0 && !this.#closing.aborted) this.#marked(found.mark);
    }
    this.#watchForMove();
  }

  /** Whether to go on. */
  async #recover(error: unknown, backoff: Backoff): Promise<boolean> {
    if (this.#closing.aborted || this.#suspended > 0) return false;
    const { connection, group, settings } = this.#context;
    if (connection.state === "closed") return false;
    try {
      if (isGroupGone(error)) {
        reportError({ topic: settings.stream, error: connection.settings.secrets.cause(error) });
        await group.open(await connection.whenOpen("subscribe()"));
        return true;
      }
      if (streamFault(settings.stream, error).final) throw error;
      await sleep(connection.settings.clock, backoff.next(), this.#closing);
      await connection.whenOpen("subscribe()");
      return true;
    } catch (failure) {
      if (!this.#closing.aborted && this.#context.connection.state !== "closed") this.#events.failed(failure);
      return false;
    }
  }
}

/** The server lost the group, or somebody deleted it or its stream. */
function isGroupGone(error: unknown): boolean {
  const { code } = readFault(error);
  return code === "NOGROUP" || code === "UNBLOCKED" || isMissing(error);
}
