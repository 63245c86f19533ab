import { JetStreamBroker } from "tidelane/nats";
import { handleSlowly } from "../handle-slowly.ts";
import { clients } from "./fixture.ts";

/**
 * Run by slow-consumer.test.ts in a process of its own, with --expose-gc: handles messages of a group for 1 ms each, and
 * prints how far resident memory grew after the warm-up. Arguments: address, client, topic, warm-up, messages.
 */
const [address = "", client = "nats", topic = "", ...counts] = process.argv.slice(2);
const [warmUp = 0, messages = 0] = counts.map(Number);

const broker = new JetStreamBroker({ servers: address, client: clients[client as keyof typeof clients] });
const connection = await broker.connect();
const subscriber = await connection.subscribe(topic, { group: "slow", maxInFlight: 64, maxAckPending: 64 });

const { growth } = handleSlowly(subscriber, { inFlight: 64, warmUp, messages });
const figures = await growth;
await connection.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);
