import type { Admin, ITopicConfig } from "kafkajs";

/** Creates topics that are missing, and waits for their leaders. A busy server may deny a topic that it has just created. */
export async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  for (let retries = 10; ; retries -= 1) {
    try {
      // A topic that an earlier attempt created is left as it is.
      await admin.createTopics({ topics, waitForLeaders: true });
      return;
    } catch (error) {
      if (retries === 0 || (error as { type?: string }).type !== "UNKNOWN_TOPIC_OR_PARTITION") throw error;
    }
  }
}
