import { setTimeout as pause } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { KafkaBroker } from "tidelane/kafka";
import { handleSlowly } from "../handle-slowly.ts";

/**
 * Run by slow-consumer.test.ts in a process of its own, with --expose-gc: handles records of a topic for 1 ms each, and
 * prints how far resident memory grew after the warm-up, and how many records were delivered and not known to the server
 * as settled. Arguments: address, topic, group, in flight, uncommitted, warm-up, messages.
 */
const [address = "", topic = "", groupId = "", ...counts] = process.argv.slice(2);
const [inFlight = 0, maxUncommitted = 0, warmUp = 0, messages = 0] = counts.map(Number);

const connection = await new KafkaBroker({ brokers: address }).connect();
const options = { group: groupId, from: "start", maxInFlight: inFlight, maxUncommitted } as const;
const subscriber = await connection.subscribe(topic, options);
const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
await admin.connect();

const uncommitted: number[] = [];
const { run, growth } = handleSlowly(subscriber, { inFlight, warmUp, messages });

const over = { yet: false };
const done = growth.finally(() => {
  over.yet = true;
});
while (!over.yet) {
  const delivered = run.stats.handled + run.stats.inFlight;
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = (offsets?.partitions ?? []).map(({ offset }) => Math.max(0, Number(offset)));
  uncommitted.push(delivered - committed.reduce((sum, offset) => sum + offset, 0));
  await pause(5);
}
const figures = await done;
await connection.close();
await admin.disconnect();
process.stdout.write(
  `${JSON.stringify({ ...figures, asked: uncommitted.length, mostUncommitted: Math.max(...uncommitted) })}\n`,
);
