import type { Message, Publisher, SubscriberIterator } from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import type { Stage } from "./stage.ts";
import type { SubscriberActor } from "./subscriber-actor.ts";

/** Passes messages on, as they are, from one topic to the next. */
export class Relay {
  readonly #stage: Stage;
  readonly #law: LawName;
  readonly #publisher: Publisher;
  readonly #iterators: ReadonlyMap<string, SubscriberIterator>;

  /** `stops`: a subscriber for each topic. */
  constructor(stage: Stage, law: LawName, publisher: Publisher, stops: readonly SubscriberActor[]) {
    this.#stage = stage;
    this.#law = law;
    this.#publisher = publisher;
    this.#iterators = new Map(stops.map(({ spec, handle }) => [spec.topic, handle[Symbol.asyncIterator]()]));
  }

  /** The next message of the topic, acked; undefined where none came, which breaks the law. */
  async take(topic: string): Promise<Message | undefined> {
    const { pace, subject, trace } = this.#stage;
    const line = trace.line(`pull from ${topic}`);
    const next = this.#iterators.get(topic)?.next();
    if (next === undefined) throw new Error(`nobody is subscribed to ${topic}`);
    const value = (await pace.within(next, subject.timings.arrivalMs)) ? (await next).value : undefined;
    line.outcome(value === undefined ? "nothing" : JSON.stringify(value.text()));
    if (value === undefined) {
      this.#stage.violate([this.#law], `nothing came to ${topic}`, "what was published there comes");
      return undefined;
    }
    await value.ack();
    return value;
  }

  /** Publishes it again with its payload, its headers and its key. */
  async passOn(message: Message, topic: string): Promise<void> {
    const { payload, headers, partitionKey: key } = message;
    const line = this.#stage.trace.line(
      `publish ${JSON.stringify(message.text())} to ${topic} with its headers`,
    );
    const outgoing = { topic: this.#stage.topic(topic), payload, headers };
    try {
      await this.#publisher.publish(key === undefined ? outgoing : { ...outgoing, key });
    } catch (error) {
      const said = error instanceof Error ? `${error.name} ("${error.message}")` : String(error);
      line.outcome(said);
      const observed = `publishing a message again with its own headers rejected with ${said}`;
      this.#stage.violate([this.#law], observed, "what a broker delivers it carries");
    }
  }
}
