import { type Fault, faultOf, MissingTopic } from "./errors.ts";
import type { Site } from "./site.ts";

/** How long a number of partitions is believed. */
const believedMs = 300_000;

/** How many partitions topics have, as the server said lately. */
export class TopicTable {
  readonly #site: Site;
  readonly #known = new Map<string, { readonly partitions: number; readonly untilMs: number }>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** Undefined where it has to be looked up. */
  known(topic: string): number | undefined {
    const entry = this.#known.get(topic);
    return entry && entry.untilMs > this.#site.clock.now() ? entry.partitions : undefined;
  }

  forget(topic: string): void {
    this.#known.delete(topic);
  }

  /** Asks the server. A missing topic is created where the options say so, else it is a `MissingTopic`. */
  async lookUp(topic: string, over: () => boolean): Promise<number> {
    const partitions = (await this.#ask(topic, over)) ?? (await this.#create(topic, over));
    this.#known.set(topic, { partitions, untilMs: this.#site.clock.now() + believedMs });
    return partitions;
  }

  /** Every topic that is there, without the server's own. */
  async list(over: () => boolean): Promise<readonly string[]> {
    const topics = await this.#site.admin.askUntil(over, (admin) => admin.listTopics());
    return topics.filter((topic) => !topic.startsWith("__"));
  }

  async #ask(topic: string, over: () => boolean): Promise<number | undefined> {
    try {
      return await this.#site.admin.askUntil(
        () => over(),
        async (admin) => {
          const { topics } = await missingIsNone(admin.fetchTopicMetadata({ topics: [topic] }), (error) =>
            faultOf(error, this.#site.secrets),
          );
          return topics.find(({ name }) => name === topic)?.partitions.length;
        },
      );
    } catch (error) {
      if (faultOf(error, this.#site.secrets).type === "INVALID_TOPIC_EXCEPTION")
        throw new MissingTopic(topic);
      throw error;
    }
  }

  async #create(topic: string, over: () => boolean): Promise<number> {
    if (!this.#site.autoCreateTopics) throw new MissingTopic(topic);
    await this.#site.admin.askUntil(over, (admin) =>
      admin.createTopics({ topics: [{ topic }], waitForLeaders: true }),
    );
    const partitions = await this.#ask(topic, over);
    if (partitions === undefined) throw new MissingTopic(topic);
    return partitions;
  }
}

type Metadata = Awaited<ReturnType<import("./client.ts").ClientAdmin["fetchTopicMetadata"]>>;

/** n.b. the answer for a topic that is not there is an error. */
async function missingIsNone(answer: Promise<Metadata>, fault: (error: unknown) => Fault): Promise<Metadata> {
  try {
    return await answer;
  } catch (error) {
    if (fault(error).type === "UNKNOWN_TOPIC_OR_PARTITION") return { topics: [] };
    throw error;
  }
}
