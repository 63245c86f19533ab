import { InvalidArgumentError, PositionUnavailableError } from "../../../traits/errors.ts";
import type { OpenConnection } from "../client.ts";
import { compareIds, idBefore } from "../message/entry-id.ts";
import { isEntryId } from "../options.ts";
import { lastId } from "../topology/stream.ts";

/** The id of an entry, a moment, or an end of the stream: `"start"` is the oldest entry there is, `"end"` the next to come. */
export type RedisPosition = string | Date;

/** Behind which id the group has to go on. Rejects with `PositionUnavailableError` if the stream has no such entry. */
export async function locate(stream: string, position: RedisPosition, open: OpenConnection): Promise<string> {
  if (position === "start") return "0-0";
  const last = await lastId(open, stream);
  if (position === "end") return last;
  if (position instanceof Date && Number.isFinite(position.getTime())) {
    return idBefore(`${Math.max(0, position.getTime())}-0`);
  }
  if (!isEntryId(position)) {
    const expected = 'the id of an entry, a Date, "start" or "end"';
    throw new InvalidArgumentError({ argument: "seek(position)", expected, received: position });
  }
  const found = await open.call("XRANGE", stream, position, position);
  if (Array.isArray(found) && found.length > 0) return idBefore(position);
  const available = compareIds(position, last) > 0 ? `up to ${last}` : "what was not deleted or trimmed";
  throw new PositionUnavailableError({ topic: stream, position, available });
}
