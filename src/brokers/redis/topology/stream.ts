import type { OpenConnection, Reply } from "../client.ts";
import { readFault } from "../errors.ts";
import { textOf } from "../message/fields.ts";

/** The id of the last entry that was ever added. */
export async function lastId(open: OpenConnection, stream: string): Promise<string> {
  try {
    const about = recordOf(await open.call("XINFO", "STREAM", stream));
    return textOf(about["last-generated-id"]);
  } catch (error) {
    if (isMissing(error)) return "0-0";
    throw error;
  }
}

export function recordsOf(reply: Reply): Readonly<Record<string, Reply>>[] {
  return Array.isArray(reply) ? reply.map(recordOf) : [];
}

function recordOf(reply: Reply): Readonly<Record<string, Reply>> {
  const record: Record<string, Reply> = {};
  if (!Array.isArray(reply)) return record;
  for (let index = 0; index + 1 < reply.length; index += 2) record[textOf(reply[index])] = reply[index + 1];
  return record;
}

/** The server answers so where there is no stream of that name. */
export function isMissing(error: unknown): boolean {
  return /no such key/i.test(readFault(error).text);
}
