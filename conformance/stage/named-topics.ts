import {
  type Broker,
  type Connection,
  isTidelaneError,
  type Message,
  type Publisher,
  type SubscriberIterator,
} from "../../src/traits/index.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";

const law = ["topic-names"] as const;
const expected = "a topic is carried exactly or refused, in publish and in subscribe alike";

interface Named {
  readonly name: string;
  readonly iterator: SubscriberIterator | undefined;
  /** Whether its first publish resolved. */
  published: boolean;
}

/** Publishes to names, and subscribes to them, on a broker of their own. */
export class NamedTopics {
  readonly #stage: Stage;
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  /** Whether the fixture could make its topics by these names. */
  readonly #made: boolean;
  readonly #all: Named[] = [];

  private constructor(stage: Stage, connection: Connection, made: boolean) {
    this.#stage = stage;
    this.#connection = connection;
    this.#publisher = connection.publisher();
    this.#made = made;
  }

  static async connect(stage: Stage, names: readonly string[]): Promise<NamedTopics> {
    const { fixture } = stage.subject;
    const { clock } = stage.pace;
    const broker = async (topics: readonly string[]): Promise<Broker> =>
      fixture.broker({ clock, topics: new Map(topics.map((topic) => [topic, {}])) });
    let made = true;
    const chosen = await broker(names).catch(() => {
      // The server has no place by such a name: then nobody can publish there, or subscribe.
      made = false;
      return broker([]);
    });
    if (!made) stage.trace.line("the fixture cannot make these topics");
    return new NamedTopics(stage, await chosen.connect(), made);
  }

  async subscribe(name: string): Promise<void> {
    const { trace, subject, base } = this.#stage;
    const line = trace.line(`subscribe to ${shown(name)}`);
    let iterator: SubscriberIterator | undefined;
    try {
      const group = subject.capabilities.groups ? { group: `g-${base}` } : {};
      const subscriber = await this.#connection.subscribe(subject.fixture.source(name, group));
      iterator = subscriber[Symbol.asyncIterator]();
    } catch (error) {
      line.outcome(nameOfError(error));
      if (!isRefusal(error) && !this.#isMissing(error))
        this.#violate(`subscribing to ${shown(name)} rejected with ${nameOfError(error)}`);
    }
    this.#all.push({ name, iterator, published: false });
  }

  async publishAll(): Promise<void> {
    for (const named of this.#all) named.published = await this.#publish(named, 1);
    for (const named of this.#all) {
      const { name, iterator, published } = named;
      if (this.#made || published) this.#stage.judged(law);
      if (published === (iterator !== undefined)) continue;
      this.#violate(
        published
          ? `publishing to ${shown(name)} resolved, and subscribing to it is refused`
          : `publishing to ${shown(name)} is refused, and subscribing to it resolved`,
      );
    }
    for (const named of this.#all) if (named.published) await this.#publish(named, 2);
  }

  /** Each has its own two messages, the second of which proves that nothing of the others comes. */
  async checkAll(): Promise<void> {
    const { pace, subject } = this.#stage;
    for (const { name, iterator, published } of this.#all) {
      if (iterator === undefined || !published) continue;
      const missing = new Set([1, 2]);
      while (missing.size > 0) {
        const next = iterator.next();
        const came = (await pace.within(next, subject.timings.arrivalMs)) ? (await next).value : undefined;
        if (came === undefined) {
          this.#violate(`a message published to ${shown(name)} did not come there`);
          break;
        }
        await came.ack();
        missing.delete(this.#judge(name, came));
      }
    }
  }

  async end(): Promise<void> {
    await this.#stage.pace.within(this.#connection.close(), this.#stage.subject.timings.closeMs);
  }

  async #publish({ name }: Named, round: number): Promise<boolean> {
    const line = this.#stage.trace.line(`publish to ${shown(name)}`);
    const payload = JSON.stringify({ history: this.#stage.base, name, round });
    try {
      await this.#publisher.publish({ topic: name, payload });
      return true;
    } catch (error) {
      line.outcome(nameOfError(error));
      if (!isTidelaneError(error, "TIDELANE_INVALID_MESSAGE") && !this.#isMissing(error))
        this.#violate(`publishing to ${shown(name)} rejected with ${nameOfError(error)}`);
      return false;
    }
  }

  /** Which of the two it is; 0 for another. If other histories use this name too, the topic may hold messages of theirs. */
  #judge(name: string, message: Message): number {
    const said = message.json() as { history: string; name: string; round: number };
    if (said.history !== this.#stage.base) return 0;
    // JSON writes a lone surrogate as an escape, so it arrives unchanged.
    if (said.name !== name)
      this.#violate(`${shown(name)} was given what was published to ${shown(said.name)}`);
    if (message.topic !== name)
      this.#violate(`a message published to ${shown(name)} says its topic is ${shown(message.topic)}`);
    return said.name === name ? said.round : 0;
  }

  /** Nothing is by that name, for want of a way to make it. */
  #isMissing(error: unknown): boolean {
    return !this.#made && isTidelaneError(error) && !error.retryable;
  }

  #violate(observed: string): void {
    this.#stage.violate(law, observed, expected);
  }
}

/** A broker may check the topic of a subscription as it checks the topic of a message. */
function isRefusal(error: unknown): boolean {
  return (
    isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT") || isTidelaneError(error, "TIDELANE_INVALID_MESSAGE")
  );
}

function shown(name: string): string {
  const text = JSON.stringify(name);
  return text.length <= 80 ? text : `${text.slice(0, 60)}...${text.slice(-4)} (${name.length} characters)`;
}
