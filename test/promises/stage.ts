import {
  type Capabilities,
  type ErrorListener,
  type OutgoingMessage,
  type Pipeline,
  type Publisher,
  type PublisherCapabilities,
  pipeline,
  type RunStats,
} from "tidelane";
import {
  RecordingMessage,
  type RecordingMessageInit,
  ScriptedSubscriber,
  VirtualClock,
} from "tidelane/testing";
import { expect } from "vitest";

/** What most promises are played on: a scripted source, a clock that stands still, and what was reported. */
export class Stage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly subscriber: ScriptedSubscriber;
  /** What `onError` was told, in order. */
  readonly reports: Parameters<ErrorListener>[0][] = [];
  /** The errors of it. */
  readonly errors: unknown[] = [];
  /** What tests write down, in order. */
  readonly log: string[] = [];

  constructor(capabilities: Partial<Capabilities> = {}) {
    this.subscriber = new ScriptedSubscriber({ topic: "orders", clock: this.clock, capabilities });
  }

  /** Without jitter, so that the default backoff is 100, 200, 400 … ms to the millisecond. */
  get pipeline(): Pipeline<RecordingMessage, RecordingMessage, false> {
    const onError: ErrorListener = (report) => {
      this.errors.push(report.error);
      this.reports.push(report);
    };
    return pipeline(this.subscriber, { clock: this.clock, random: () => 0, onError });
  }

  /** A message "payload" or "key:rest", whose key stands before the colon. */
  message(payload: string, init: RecordingMessageInit = {}): RecordingMessage {
    const [key = "", rest] = payload.split(":");
    const keyed = rest === undefined ? {} : { partitionKey: key };
    return new RecordingMessage({ topic: "orders", payload, clock: this.clock, ...keyed, ...init });
  }

  /** Messages for each word of `payloads`, delivered. */
  deliver(payloads: string): RecordingMessage[] {
    const messages = payloads.split(" ").map((payload) => this.message(payload));
    this.subscriber.deliver(...messages);
    return messages;
  }

  /** Writes `text` and the time. */
  note(text: string): void {
    this.log.push(`${text} @${this.clock.now()}`);
  }
}

/** Something to wait for that a test lets happen. */
export class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}

/** A publisher that keeps what it was given, and fails or waits when told to. */
export class RecordingPublisher implements Publisher {
  readonly capabilities: PublisherCapabilities = {
    confirmation: "broker",
    headerValues: "bytes",
    duplicateHeaders: true,
    maxPayloadBytes: Number.POSITIVE_INFINITY,
    transactions: false,
    requestReply: false,
  };
  /** Confirmed, in order. */
  readonly published: OutgoingMessage[] = [];
  /** Calls of `publish`, the failed ones too. */
  calls = 0;
  readonly #answers: Promise<void>[] = [];

  /** What the next call waits for; called again, the one after. */
  answerNext(answer: Promise<void>): this {
    answer.catch(() => undefined);
    this.#answers.push(answer);
    return this;
  }

  failNext(...errors: readonly unknown[]): this {
    for (const error of errors) this.answerNext(Promise.reject(error));
    return this;
  }

  async publish(message: OutgoingMessage): Promise<void> {
    this.calls += 1;
    await this.#answers.shift();
    this.published.push(message);
  }
}

/** What `RunStats` says of itself, for one moment of a run. */
export function expectBalanced(stats: RunStats): void {
  const { handled, dropped, deadLettered, redelivered, revoked, inFlight, waiting, running, settling } =
    stats;
  expect(stats.pulled).toBe(handled + dropped + deadLettered + redelivered + revoked + inFlight);
  expect(inFlight).toBe(waiting + running + settling);
  expect(Math.min(waiting, running, settling)).toBeGreaterThanOrEqual(0);
  expect(stats.peakInFlight).toBeGreaterThanOrEqual(inFlight);
}
