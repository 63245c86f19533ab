import type { ServerKind } from "../../scripts/brokers/recipe.ts";

/** What the examples and the snippets of the pages read the address of a server from. */
export const addressVariables = {
  nats: "NATS_URL",
  rabbitmq: "AMQP_URL",
  kafka: "KAFKA_BROKERS",
  redis: "REDIS_URL",
} as const satisfies Record<ServerKind, string>;

/** The server a page or an example needs, by its file's name. */
export const serverOf: Readonly<Record<string, ServerKind>> = {
  nats: "nats",
  jetstream: "nats",
  rabbitmq: "rabbitmq",
  kafka: "kafka",
  redis: "redis",
};

/** The names that need a server of this kind, of those there are. */
export function namesOf(kind: ServerKind, files: readonly string[], suffix: string): string[] {
  const names = files.filter((file) => file.endsWith(suffix)).map((file) => file.slice(0, -suffix.length));
  return names.filter((name) => serverOf[name] === kind);
}
