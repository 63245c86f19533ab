import { InvalidArgumentError, isTidelaneError, PositionUnavailableError } from "../../../traits/errors.ts";
import type { KafkaOffset } from "../message/message.ts";
import type { Generation } from "./group/generation.ts";
import type { LogBounds } from "./offsets/positions.ts";
import type { Partition } from "./partition.ts";
import type { Subscription } from "./subscription.ts";

/**
 * One record of one partition. Or a position in every partition that this member has now: `"start"` is the oldest
 * record, `"end"` the next one to be written, and `{ timeMs }` the first record at or after that time, in
 * milliseconds since 1970.
 */
export type KafkaPosition = KafkaOffset | "start" | "end" | { readonly timeMs: number };

interface Move {
  readonly partition: Partition;
  readonly offset: number;
}

/**
 * Moves partitions of a subscription. Throws, and moves nothing, if the log does not hold the position, or the server
 * refuses to say what it holds.
 */
export async function seekIn(subscription: Subscription, position: KafkaPosition): Promise<void> {
  checkPosition(position);
  for (;;) {
    const generation = await subscription.awaitGeneration();
    let moves: Move[];
    try {
      moves = await find(subscription, generation, position);
    } catch (error) {
      if (isTidelaneError(error)) throw error;
      // Its member lost its partitions, or its connection, before there was an answer: the next generation asks again.
      if (!generation.open) continue;
      throw subscription.seekFailed(error);
    }
    // The partitions may have moved while the log was asked.
    if (!generation.open) continue;
    for (const { partition, offset } of moves) generation.seek(partition, offset);
    return;
  }
}

async function find(
  subscription: Subscription,
  generation: Generation,
  position: KafkaPosition,
): Promise<Move[]> {
  const { positions } = subscription;
  const over = (): boolean => !generation.open;
  if (typeof position === "object" && "offset" in position) {
    const partition = assigned(generation, position);
    const bounds = await positions.bounds(position.topic, over);
    checkBounds(position, bounds.get(position.partition));
    return [{ partition, offset: position.offset }];
  }
  const moves: Move[] = [];
  for (const [topic, partitions] of byTopic(generation.assignment.partitions)) {
    const offsets =
      typeof position === "object"
        ? await positions.atTime(topic, position.timeMs, over)
        : ends(await positions.bounds(topic, over), position);
    for (const partition of partitions) moves.push({ partition, offset: offsets.get(partition.id) ?? 0 });
  }
  return moves;
}

function assigned(generation: Generation, { topic, partition: id, offset }: KafkaOffset): Partition {
  const partition = generation.assignment.partition(topic, id);
  if (partition) return partition;
  const own = Array.from(generation.assignment.partitions, (one) => `${one.topic} ${one.id}`);
  throw new PositionUnavailableError({
    topic,
    position: `offset ${offset} of partition ${id}`,
    available: `what this member of the group has: ${own.length > 0 ? own.join(", ") : "no partition"}`,
  });
}

function checkBounds({ topic, partition, offset }: KafkaOffset, log: LogBounds | undefined): void {
  if (log && offset >= log.low && offset <= log.high) return;
  throw new PositionUnavailableError({
    topic,
    position: `offset ${offset} of partition ${partition}`,
    available: log ? `${log.low} to ${log.high}, the next to come` : "no such partition",
  });
}

function ends(bounds: ReadonlyMap<number, LogBounds>, end: "start" | "end"): Map<number, number> {
  return new Map(Array.from(bounds, ([id, { low, high }]) => [id, end === "start" ? low : high]));
}

function byTopic(partitions: Iterable<Partition>): Map<string, Partition[]> {
  const topics = new Map<string, Partition[]>();
  for (const partition of partitions) {
    topics.set(partition.topic, [...(topics.get(partition.topic) ?? []), partition]);
  }
  return topics;
}

function checkPosition(position: unknown): void {
  if (position === "start" || position === "end") return;
  if (typeof position === "object" && position !== null) {
    if ("timeMs" in position && isTime(position.timeMs)) return;
    if ("topic" in position && "partition" in position && "offset" in position) {
      const { topic, partition, offset } = position;
      if (typeof topic === "string" && isCount(partition) && isCount(offset)) return;
    }
  }
  throw new InvalidArgumentError({
    argument: "seek(position)",
    expected: '"start", "end", { timeMs } or { topic, partition, offset }',
    received: position,
  });
}

function isTime(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
