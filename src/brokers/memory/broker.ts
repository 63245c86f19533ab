import { checkCount, checkName } from "../../traits/arguments.ts";
import type { Broker, UsualSourceOptions } from "../../traits/broker.ts";
import { type Clock, systemClock } from "../../traits/clock.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { settledAtOnce } from "../../traits/message.ts";
import { checkOptionNames, optionNames } from "../../traits/option-names.ts";
import type { SubscriptionSource } from "../../traits/source.ts";
import { Bus } from "./bus.ts";
import { MemoryConnection } from "./connection.ts";
import {
  checkTopicOptions,
  defaultUnread,
  type TopicOptions,
  type UnreadOptions,
  unreadNames,
} from "./options.ts";
import { Pattern } from "./pattern.ts";
import { memoryPatternSource, memorySource } from "./source.ts";

export interface MemoryBrokerOptions {
  /** Stands in errors. @default "memory" */
  readonly name?: string;
  /** @default the system's */
  readonly clock?: Clock;
  /** @default 16 MiB */
  readonly maxPayloadBytes?: number;
  /**
   * By topic, or by pattern: an exact name wins, then the first pattern that matches.
   */
  readonly topics?: Readonly<Record<string, TopicOptions>>;
  /** What all topics together keep for the first subscription to them. */
  readonly unread?: UnreadOptions;
}

const call = "new MemoryBroker(options)";
const names = optionNames<MemoryBrokerOptions>()({
  name: true,
  clock: true,
  maxPayloadBytes: true,
  topics: true,
  unread: unreadNames,
});
const connectNames = optionNames<{ signal?: AbortSignal }>()({ signal: true });

/**
 * A broker inside this process, on its own or under test. Topics, groups and what they hold live as long as this object,
 * and every connection of it shares them.
 */
export class MemoryBroker implements Broker<MemoryConnection> {
  readonly name: string;
  readonly #bus: Bus;
  readonly #maxPayloadBytes: number;

  constructor(options: MemoryBrokerOptions = {}) {
    checkOptionNames(call, options, names);
    this.name = checkName("options.name", options.name ?? "memory");
    this.#maxPayloadBytes = checkCount(
      "options.maxPayloadBytes",
      options.maxPayloadBytes ?? 2 ** 24,
      0,
      true,
    );
    const unread = options.unread?.messages ?? defaultUnread;
    checkCount("options.unread.messages", unread, 0, true);
    this.#bus = new Bus(options.clock ?? systemClock, topicOptions(options.topics ?? {}), unread);
  }

  source(topic: string, { group, pattern }: UsualSourceOptions = {}): SubscriptionSource<MemoryConnection> {
    const options = group === undefined ? {} : { group };
    return pattern ? memoryPatternSource(topic, options) : memorySource(topic, options);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<MemoryConnection> {
    checkOptionNames("connect(options)", options, connectNames);
    throwIfAborted(options?.signal, "connect()");
    await settledAtOnce;
    throwIfAborted(options?.signal, "connect()");
    return new MemoryConnection(this.#bus, this.name, this.#maxPayloadBytes);
  }
}

function topicOptions(
  topics: Readonly<Record<string, TopicOptions>>,
): (topic: string) => TopicOptions | undefined {
  const entries = Object.entries(topics).map(([text, options]) => {
    const argument = `options.topics[${JSON.stringify(text)}]`;
    checkTopicOptions(call, argument, options);
    return { pattern: new Pattern(argument, checkName(`a topic in options.topics`, text)), options };
  });
  const exact = new Map(entries.map(({ pattern, options }) => [pattern.text, options]));
  return (topic) => exact.get(topic) ?? entries.find(({ pattern }) => pattern.matches(topic))?.options;
}
