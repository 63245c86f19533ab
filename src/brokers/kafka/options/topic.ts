import { checkCount } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { type OptionNames, optionNames } from "../../../traits/option-names.ts";
import type { TopicCreation } from "../client.ts";

/** The settings of a topic that tidelane creates. What you leave out is as in the server's configuration. */
export interface KafkaTopicOptions {
  /** The number of partitions. @default the server's num.partitions */
  readonly partitions?: number;
  /** How many servers store each partition. @default the server's default.replication.factor */
  readonly replicationFactor?: number;
  /** Topic configuration under Kafka's names, as in `{ "cleanup.policy": "compact" }`. @default the server's */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
}

export const topicOptionNames: OptionNames = optionNames<KafkaTopicOptions>()({
  partitions: true,
  replicationFactor: true,
  config: true,
});

/** `undefined` where nothing was said, `false` where a missing topic is an error. */
export function checkCreate(create: unknown): TopicCreation | false | undefined {
  if (create === undefined || create === false) return create;
  if (create === true) return creationOf({});
  if (typeof create === "object" && create !== null && !Array.isArray(create)) return creationOf(create);
  throw new InvalidArgumentError({
    argument: "options.create",
    expected: "true, false or settings of the topic",
    received: create,
  });
}

function creationOf({ partitions, replicationFactor, config }: KafkaTopicOptions): TopicCreation {
  return {
    numPartitions: partitions === undefined ? -1 : checkCount("options.create.partitions", partitions),
    replicationFactor:
      replicationFactor === undefined
        ? -1
        : checkCount("options.create.replicationFactor", replicationFactor),
    configEntries: config === undefined ? [] : checkConfig(config),
  };
}

function checkConfig(config: unknown): TopicCreation["configEntries"] {
  const argument = "options.create.config";
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new InvalidArgumentError({ argument, expected: "a record of names and values", received: config });
  }
  return Object.entries(config).map(([name, value]) => {
    if (["string", "number", "boolean"].includes(typeof value)) return { name, value: String(value) };
    const expected = "a string, a number or a boolean";
    throw new InvalidArgumentError({ argument: `${argument}["${name}"]`, expected, received: value });
  });
}
