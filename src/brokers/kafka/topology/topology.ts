import { sleep } from "../../../traits/clock.ts";
import { Backoff } from "../../shared/backoff.ts";
import type { TopicCreation } from "../client.ts";
import { type Fault, FewerPartitions, faultOf, MissingTopic } from "../errors.ts";
import type { Cluster } from "./cluster.ts";

/** How long a number of partitions is believed. */
const believedMs = 300_000;

/** How often a new topic is looked for: about four seconds. */
const looksForNew = 12;

/** How many partitions topics have, as the server said lately. */
export class TopicMetadata {
  readonly #cluster: Cluster;
  readonly #creation: TopicCreation | false;
  readonly #known = new Map<string, { readonly partitions: number; readonly untilMs: number }>();

  /** `creation`: what missing topics are created with; without it they are an error. */
  constructor(cluster: Cluster, creation: TopicCreation | false = cluster.create) {
    this.#cluster = cluster;
    this.#creation = creation;
  }

  /** Whether it creates what is missing. */
  get creates(): boolean {
    return this.#creation !== false;
  }

  /** Undefined where it has to be looked up. */
  known(topic: string): number | undefined {
    const entry = this.#known.get(topic);
    return entry && entry.untilMs > this.#cluster.clock.now() ? entry.partitions : undefined;
  }

  forget(topic: string): void {
    this.#known.delete(topic);
  }

  /**
   * Asks the server. A missing topic is created where the options say so, else it is a `MissingTopic`. One that has fewer
   * partitions than it would be created with is an error as well.
   */
  async lookUp(topic: string, over: () => boolean): Promise<number> {
    const partitions = (await this.#ask(topic, over)) ?? (await this.#create(topic, over));
    const wanted = this.#creation === false ? -1 : this.#creation.numPartitions;
    if (partitions < wanted) throw new FewerPartitions(topic, partitions, wanted);
    this.#known.set(topic, { partitions, untilMs: this.#cluster.clock.now() + believedMs });
    return partitions;
  }

  /** Every topic that is there, without the server's own. */
  async list(over: () => boolean): Promise<readonly string[]> {
    const topics = await this.#cluster.admin.askUntil(over, (admin) => admin.listTopics());
    return topics.filter((topic) => !topic.startsWith("__"));
  }

  async #ask(topic: string, over: () => boolean): Promise<number | undefined> {
    try {
      return await this.#cluster.admin.askUntil(
        () => over(),
        async (admin) => {
          const { topics } = await missingIsNone(admin.fetchTopicMetadata({ topics: [topic] }), (error) =>
            faultOf(error, this.#cluster.secrets),
          );
          return topics.find(({ name }) => name === topic)?.partitions.length;
        },
      );
    } catch (error) {
      if (faultOf(error, this.#cluster.secrets).type === "INVALID_TOPIC_EXCEPTION")
        throw new MissingTopic(topic);
      throw error;
    }
  }

  async #create(topic: string, over: () => boolean): Promise<number> {
    const creation = this.#creation;
    if (creation === false) throw new MissingTopic(topic);
    await this.#cluster.admin.askUntil(over, (admin) =>
      admin.createTopics({ topics: [{ topic, ...creation }], waitForLeaders: true }),
    );
    const backoff = new Backoff({ initialMs: 20, maxMs: 500 });
    for (;;) {
      const partitions = await this.#ask(topic, over);
      if (partitions !== undefined) return partitions;
      // The servers of a cluster hear of a new topic one after another.
      if (backoff.attempts === looksForNew) throw new MissingTopic(topic);
      await sleep(this.#cluster.clock, backoff.next());
    }
  }
}

type MetadataResponse = Awaited<ReturnType<import("../client.ts").ClientAdmin["fetchTopicMetadata"]>>;

/** The server answers with an error for a topic that does not exist. */
async function missingIsNone(
  answer: Promise<MetadataResponse>,
  fault: (error: unknown) => Fault,
): Promise<MetadataResponse> {
  try {
    return await answer;
  } catch (error) {
    if (fault(error).type === "UNKNOWN_TOPIC_OR_PARTITION") return { topics: [] };
    throw error;
  }
}
