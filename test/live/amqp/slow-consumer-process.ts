import { AmqpBroker } from "tidelane/amqp";
import { handleSlowly } from "../handle-slowly.ts";

/**
 * Run by slow-consumer.test.ts in a process of its own, with --expose-gc: handles messages of a queue for 1 ms each, and
 * prints how far resident memory grew after the warm-up. Arguments: address, queue, in flight, warm-up, messages.
 */
const [address = "", queue = "", ...counts] = process.argv.slice(2);
const [inFlight = 0, warmUp = 0, messages = 0] = counts.map(Number);

const connection = await new AmqpBroker({ url: address }).connect();
const subscriber = await connection.subscribe(queue, { maxInFlight: inFlight });

const { growth } = handleSlowly(subscriber, { inFlight, warmUp, messages });
const figures = await growth;
await connection.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);
