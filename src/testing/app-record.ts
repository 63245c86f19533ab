import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import type { Channel } from "../app/channel.ts";
import { templateOf } from "../app/channel.ts";
import type { AppDefinition, Sender, SubscriptionPlan } from "../app/definition.ts";
import type { Observer } from "../app/environment.ts";
import type { Outgoing } from "../app/publishing.ts";
import { sentenceOf } from "../runtime/thrown.ts";
import type { DiagnosticEvents } from "../traits/diagnostics.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { headerNames, MessageHeaders } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import type { OutgoingMessage } from "../traits/publisher.ts";
import type { DeadLetter, PublishedMessage, RetriedDelivery, SettledDelivery } from "./app-events.ts";

/** One delivery of a test. */
interface Seen {
  readonly plan: SubscriptionPlan;
  readonly message: Message;
  decoded: { readonly value: unknown } | undefined;
  /** Its handler ran, once or more. */
  handled: boolean;
  settled: { readonly outcome: SettledDelivery<unknown>["outcome"]; readonly attempts: number } | undefined;
  /** What was published in its place when it was set aside. */
  letter: OutgoingMessage | undefined;
}

interface Sent {
  readonly channel: Channel;
  readonly from: Sender;
  readonly message: PublishedMessage<unknown>;
}

interface Retried {
  readonly seen: Seen;
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** What happened in an app under test. */
export class AppRecord implements Observer {
  /** Handlers that wait for a reply, or for others of their batch. */
  waitingHandlers = 0;
  /** Counts everything, so that one who waits sees that something happened. */
  events = 0;
  readonly #definition: AppDefinition;
  readonly #deliveries: Seen[] = [];
  readonly #byMessage = new WeakMap<Message, Seen>();
  readonly #sent: Sent[] = [];
  readonly #retries: Retried[] = [];
  readonly #lines: string[] = [];

  constructor(definition: AppDefinition) {
    this.#definition = definition;
  }

  listen(): void {
    subscribe("tidelane:settle", this.#onSettle);
    subscribe("tidelane:retry", this.#onRetry);
  }

  close(): void {
    unsubscribe("tidelane:settle", this.#onSettle);
    unsubscribe("tidelane:retry", this.#onRetry);
  }

  // ---- what the app tells

  arrived(plan: SubscriptionPlan, message: Message): void {
    this.events += 1;
    if (this.#byMessage.has(message)) return;
    const seen: Seen = {
      plan,
      message,
      decoded: undefined,
      handled: false,
      settled: undefined,
      letter: undefined,
    };
    this.#byMessage.set(message, seen);
    this.#deliveries.push(seen);
  }

  decoded(message: Message, value: unknown): void {
    const seen = this.#byMessage.get(message);
    if (seen !== undefined) seen.decoded ??= { value };
  }

  handling(message: Message): void {
    const seen = this.#byMessage.get(message);
    if (seen === undefined || seen.handled) return;
    seen.handled = true;
    this.#say(`"${message.topic}" received ${valueIn(seen)}`);
  }

  published({ channel, value, message }: Outgoing, from: Sender): () => void {
    const headers = MessageHeaders.from(message.headers);
    const record: Record<string, string> = {};
    for (const [name] of headers) record[name.toLowerCase()] ??= headers.get(name) ?? "";
    const { topic, key } = message;
    const sent = { channel, from, message: { value, topic, key, headers: record } };
    this.#sent.push(sent);
    this.#say(`${from === "test" ? "the test" : "the app"} published ${shown(value)} to "${topic}"`);
    return () => {
      this.#sent.splice(this.#sent.indexOf(sent), 1);
      this.#say(`the publish to "${topic}" failed`);
    };
  }

  setAside(plan: SubscriptionPlan, letter: OutgoingMessage): void {
    // A dead letter has the payload of its message, and not a copy of it.
    const isOf = (seen: Seen): boolean => seen.plan === plan && seen.message.payload === letter.payload;
    const seen = this.#deliveries.find((candidate) => candidate.settled === undefined && isOf(candidate));
    if (seen !== undefined) seen.letter = letter;
    this.#say(`"${plan.template.text}" set aside a message in "${letter.topic}"`);
  }

  waiting(change: number): void {
    this.events += 1;
    this.waitingHandlers += change;
  }

  readonly #onSettle = (event: unknown): void => {
    const { message, outcome, attempt } = event as DiagnosticEvents["tidelane:settle"];
    const seen = this.#byMessage.get(message);
    if (seen === undefined) return;
    seen.settled = { outcome: outcome as SettledDelivery<unknown>["outcome"], attempts: attempt };
    this.#say(`"${message.topic}" settled ${valueIn(seen)}: ${outcome} after attempt ${attempt}`);
  };

  readonly #onRetry = (event: unknown): void => {
    const { message, attempt, delayMs, error } = event as DiagnosticEvents["tidelane:retry"];
    const seen = this.#byMessage.get(message);
    if (seen === undefined) return;
    this.#retries.push({ seen, attempt, delayMs, error });
    this.#say(`"${message.topic}" retries ${valueIn(seen)} in ${delayMs} ms, after attempt ${attempt}`);
  };

  failed({ message, error, topic }: DiagnosticEvents["tidelane:error"]): void {
    const seen = message && this.#byMessage.get(message);
    if (seen === undefined) return;
    this.#say(`"${topic}" failed ${valueIn(seen)}: ${sentenceOf(error)}`);
  }

  // ---- what a test asks

  publishedOn(channel: Channel): PublishedMessage<unknown>[] {
    const { text: topic } = templateOf("test.published(channel)", channel);
    return this.#sent
      .filter((sent) => sent.from !== "test" && sent.channel.topic === topic)
      .map(({ message }) => message);
  }

  received(channel: Channel): unknown[] {
    return this.#of("received(channel)", channel).flatMap(({ handled, decoded }) =>
      handled && decoded ? [decoded.value] : [],
    );
  }

  settled(channel: Channel): SettledDelivery<unknown>[] {
    return this.#of("settled(channel)", channel).flatMap(({ decoded, settled }) =>
      settled ? [{ value: decoded?.value, ...settled }] : [],
    );
  }

  retried(channel: Channel): RetriedDelivery<unknown>[] {
    const topic = this.#handled("retried(channel)", channel);
    return this.#retries
      .filter(({ seen }) => seen.plan.channel.topic === topic)
      .map(({ seen, ...retry }) => ({ value: seen.decoded?.value, ...retry }));
  }

  deadLettered(channel: Channel): DeadLetter<unknown>[] {
    return this.#of("deadLettered(channel)", channel).flatMap((seen) => {
      const { message, decoded, settled, letter } = seen;
      if (settled?.outcome !== "dead-letter") return [];
      const headers = MessageHeaders.from(letter?.headers);
      const reason = headers.get(headerNames.deadLetterReason) ?? "";
      const { attempts } = settled;
      return [{ value: decoded?.value, payload: message.payload, reason, attempts, topic: letter?.topic }];
    });
  }

  story(): string {
    return this.#lines.length === 0 ? "  nothing" : this.#lines.map((line) => `  ${line}`).join("\n");
  }

  #of(call: string, channel: Channel): Seen[] {
    const topic = this.#handled(call, channel);
    return this.#deliveries.filter(({ plan }) => plan.channel.topic === topic);
  }

  /** To ask for what no handler can get is a mistake of the test. */
  #handled(call: string, channel: Channel): string {
    const { text } = templateOf(`test.${call}`, channel);
    const topics = this.#definition.subscriptions.map((plan) => plan.channel.topic);
    if (topics.includes(text)) return text;
    const expected = `a channel that the app subscribes to: ${topics.map((topic) => `"${topic}"`).join(", ") || "it has none"}`;
    throw new InvalidArgumentError({ argument: `test.${call}`, expected, received: text });
  }

  #say(line: string): void {
    this.events += 1;
    this.#lines.push(line);
  }
}

function valueIn({ decoded }: Seen): string {
  return decoded === undefined ? "a payload that has no value" : shown(decoded.value);
}

function shown(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 3 }).slice(0, 200);
}
