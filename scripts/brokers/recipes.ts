import { kafka } from "./kafka.ts";
import { nats } from "./nats.ts";
import { rabbitmq } from "./rabbitmq.ts";
import type { Recipe, ServerKind } from "./recipe.ts";
import { redis } from "./redis.ts";

export const recipes: Readonly<Record<ServerKind, Recipe>> = { nats, rabbitmq, kafka, redis };
