import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

/** They differ by case, by punctuation, or by what follows the same beginning. */
const topics = ["A", "a", "A-B", "A_B"] as const;

export const topicIsolation: Law = {
  name: "topic-isolation",
  promise:
    "A subscription gets the messages of its own topic and no others, and each message has the topic that it was published to.",
  property: history(({ capabilities }) => ({
    topics: Object.fromEntries(topics.map((topic) => [topic, {}])),
    groups: topics.map((topic) => ({ topic, options: { group: "g" } })),
    steps: [
      [6, publish()],
      [8, pull],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
    ],
    maxSteps: 50,
  })),
};
