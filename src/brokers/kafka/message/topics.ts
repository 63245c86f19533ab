import { InvalidArgumentError } from "../../../traits/errors.ts";

const topicName = /^[\w.-]{1,249}$/;

/** Whether the server can have a topic of this name. */
export function isTopicName(topic: string): boolean {
  return topicName.test(topic) && topic !== "." && topic !== "..";
}

/** One topic or several, as a list without repetition. */
export function checkTopics(argument: string, topics: unknown): readonly string[] {
  const list: unknown[] = Array.isArray(topics) ? topics : [topics];
  if (list.length === 0) {
    throw new InvalidArgumentError({ argument, expected: "at least one topic", received: topics });
  }
  for (const topic of list) {
    if (typeof topic === "string" && isTopicName(topic)) continue;
    const expected = "a topic of Kafka: 1 to 249 letters, digits, dots, underscores and dashes";
    throw new InvalidArgumentError({ argument, expected, received: topic });
  }
  return [...new Set(list as string[])];
}

/** Options of `call`, as the caller wrote it. */
export function callOf(name: string, topics: readonly string[]): string {
  return topics.length === 1 ? `${name}("${topics[0]}", options)` : `${name}(topics, options)`;
}

/** The pattern, safe to be tested again and again. */
export function checkPattern(argument: string, pattern: unknown): RegExp {
  if (!(pattern instanceof RegExp)) {
    throw new InvalidArgumentError({ argument, expected: "a RegExp for names of topics", received: pattern });
  }
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
}
