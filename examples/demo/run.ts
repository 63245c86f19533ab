import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import {
  ack,
  byKey,
  deadLetter,
  type ErrorListener,
  type HandlerContext,
  type Message,
  type Middleware,
  type MiddlewareOutcome,
  type Outcome,
  type Publisher,
  pipeline,
  type Run,
  type Settlement,
  type Subscriber,
} from "tidelane";
import type { DemoConnection } from "./brokers.ts";
import { Countdown } from "./countdown.ts";
import { countDeadLetters, type DeadLetterCount, endHeader, lineHeader } from "./dead-letters.ts";
import { logLine, readRawLine, toMessage } from "./line-message.ts";
import type { LogLine } from "./log.ts";
import type { RawLine } from "./log-reader.ts";
import { Overlap } from "./overlap.ts";
import type { ProgressCounts } from "./progress.ts";
import { Recording } from "./recording.ts";
import { OrderTally } from "./replay.ts";
import type { RunResult } from "./report.ts";
import { workOf } from "./work.ts";

export interface ReplayOptions {
  readonly connection: DemoConnection;
  readonly lines: AsyncIterable<RawLine>;
  readonly workers: number;
  readonly seed: number;
  /** Ends the reading and drains: what the workers have is finished, the rest is left. */
  readonly interrupt: AbortSignal;
  readonly onProgress?: (counts: ProgressCounts) => void;
  /** Told of failures other than those the demo makes up. */
  readonly onError?: (error: unknown) => void;
}

const backoff = { initialMs: 2, factor: 2, maxMs: 50, jitter: 0 };
/** After an interruption, for the lines the workers have taken. */
const drainMs = 3_000;

/** Published in one turn of the event loop. */
const linesPerTurn = 32;

/** A server takes a while to confirm one: so many are on their way at once, in order. */
const mostUnconfirmed = 256;

/** The failure the demo makes up now and then. */
class SimulatedFailure extends Error {}

/** Publishes every line, replays every package's state machine, and says how it went. Rejects with `InputError`. */
export async function replayLog(
  options: ReplayOptions,
): Promise<{ result: RunResult; recording: Recording }> {
  const { connection, interrupt } = options;
  const { topics } = connection;
  const replay = new LogReplay(options);
  const lines = await connection.subscribe(topics.lines);
  const deadLetters = await connection.subscribe(topics.deadLetters);
  const publisher = connection.publisher();
  const counting = countDeadLetters(deadLetters);
  counting.catch(() => undefined);
  const run = replay.start(lines, publisher);
  try {
    const all = Promise.all([replay.publish(publisher), replay.settled]);
    await Promise.race([all, run.done, aborted(interrupt)]);
    await run.drain({ deadlineMs: drainMs });
    await publisher.publish({ topic: topics.deadLetters, payload: "", headers: { [endHeader]: "1" } });
    return { result: replay.result(run, await counting), recording: replay.recording };
  } finally {
    // After a failure: nothing goes on, and nothing is left behind.
    await run.stop({ deadlineMs: 0 });
    await deadLetters.close();
    await counting;
  }
}

/** The state of one replay: what was read, what the handlers did, what is left. */
class LogReplay {
  readonly recording = new Recording();
  readonly #options: ReplayOptions;
  readonly #order = new OrderTally();
  /** The reading itself is one thing to be done, each line that was published another. */
  readonly #open = new Countdown(1);
  readonly #startedAt = performance.now();
  #lastSettledAt = this.#startedAt;
  #read = 0;
  #settled = 0;
  #retries = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Resolves when everything was read, and every line was handled or set aside. */
  get settled(): Promise<void> {
    return this.#open.done;
  }

  /** Reads and publishes until the input ends or the run is interrupted. */
  async publish(publisher: Publisher): Promise<void> {
    const { lines, interrupt, connection } = this.#options;
    const { topics } = connection;
    const publishing = new Overlap(mostUnconfirmed);
    for await (const raw of lines) {
      if (interrupt.aborted) break;
      const line = readRawLine(raw);
      if (line.kind === "package") this.#order.read(line, raw.number);
      this.#read += 1;
      this.#open.up();
      // Waits while the topic is full, so memory is bounded however long the log is.
      await publishing.add(() => publisher.publish(toMessage(topics.lines, raw, line)));
      // Publishing to memory never waits for I/O: without this the handlers' timers would wait for all of it.
      if (this.#read % linesPerTurn === 0) await nextTurn();
    }
    await publishing.done();
    if (!interrupt.aborted) this.#open.down();
  }

  start(subscriber: Subscriber, publisher: Publisher): Run {
    const onError: ErrorListener = ({ error }) => {
      if (!(error instanceof SimulatedFailure)) this.#options.onError?.(error);
    };
    return pipeline(subscriber, { onError })
      .decode(logLine)
      .use(this.#simulated)
      .workers(this.#options.workers, byKey)
      .onFailure({ backoff, deadLetter: { topic: this.#options.connection.topics.deadLetters, publisher } })
      .handle((line, context) => this.#handle(line, context));
  }

  /** The handler: a malformed line is set aside, any other moves its package's state machine. */
  #handle(line: LogLine, { message }: HandlerContext): Outcome {
    if (line.kind === "malformed") return deadLetter(line.reason);
    this.#order.handled(line, lineNumber(message));
    return ack();
  }

  /** Middleware that makes the handler slow and unreliable, and records when and where it ran. */
  readonly #simulated: Middleware<Message, LogLine> = async (context, next) => {
    const { value: line, worker, attempt, signal } = context;
    const runHandler = (): Promise<MiddlewareOutcome> => {
      // Not on an attempt that fails: it would count the line once for every attempt.
      context.afterSettle((settlement) => this.#hasLeft(settlement));
      return next();
    };
    if (line.kind === "malformed") return runHandler();
    const number = lineNumber(context.message);
    const { ms, fails } = workOf(this.#options.seed, number, attempt);
    const startMs = performance.now() - this.#startedAt;
    await sleep(ms, undefined, { signal });
    const endMs = performance.now() - this.#startedAt;
    this.recording.add({
      worker,
      package: line.package,
      line: number,
      startMs,
      endMs,
      askedMs: ms,
      failed: fails,
    });
    if (!fails) return runHandler();
    this.#retries += 1;
    throw new SimulatedFailure(`line ${number} failed`);
  };

  #hasLeft(settlement: Settlement): void {
    // The broker delivers it again.
    if (settlement === "revoked") return;
    this.#settled += 1;
    this.#lastSettledAt = performance.now();
    this.#options.onProgress?.({ settled: this.#settled, read: this.#read, retries: this.#retries });
    this.#open.down();
  }

  result(run: Run, deadLetters: readonly DeadLetterCount[]): RunResult {
    const { handled, deadLettered, retries, peakInFlight } = run.stats;
    return {
      linesRead: this.#read,
      handled,
      unhandled: this.#read - handled - deadLettered,
      retries,
      deadLetters,
      order: this.#order.result,
      wallMs: this.#lastSettledAt - this.#startedAt,
      workMs: this.recording.workMs,
      longestMs: this.recording.longestMs,
      peakInFlight,
      interrupted: this.#options.interrupt.aborted,
    };
  }
}

function lineNumber(message: Message): number {
  return Number(message.headers.get(lineHeader));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
