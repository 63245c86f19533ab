import { InvalidArgumentError, PositionUnavailableError } from "../../../traits/errors.ts";
import type { StartPosition } from "../options.ts";
import type { Consumer } from "../topology/topology.ts";

/**
 * A sequence number of the stream, a time, or an end of the stream: `"start"` is the oldest message, `"end"` the
 * next one to be stored.
 */
export type JetStreamPosition = number | Date | "start" | "end";

/** Where the consumer has to start. Rejects with `PositionUnavailableError` if the stream does not have the message. */
export async function locate(position: JetStreamPosition, consumer: Consumer): Promise<StartPosition> {
  if (position === "start") return "start";
  if (position === "end") return "new";
  if (position instanceof Date && Number.isFinite(position.getTime())) return { time: position };
  if (typeof position !== "number" || !Number.isSafeInteger(position) || position < 1) {
    const expected = 'a sequence from 1, a Date, "start" or "end"';
    throw new InvalidArgumentError({ argument: "seek(position)", expected, received: position });
  }
  const stream = await consumer.streamInfo();
  const { first_seq = 0, last_seq = 0 } = stream?.state ?? {};
  const isNext = position === last_seq + 1;
  const isHeld = position >= first_seq && position <= last_seq;
  if (!isNext && !(isHeld && (await consumer.hasMessage(position)))) {
    const available = isHeld ? "what was not deleted" : `${first_seq} to ${last_seq + 1}`;
    throw new PositionUnavailableError({ topic: consumer.filter, position: String(position), available });
  }
  return { sequence: position };
}
