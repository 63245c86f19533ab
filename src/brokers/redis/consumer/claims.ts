import type { BlockingCalls, OpenConnection, Reply } from "../client.ts";
import { compareIds } from "../message/entry-id.ts";
import { entriesOf, textOf } from "../message/fields.ts";
import type { DeliveredEntry } from "../message/message.ts";
import type { StreamContext } from "./context.ts";
import { claimScript, reclaimScript } from "./scripts.ts";

export interface Claimed {
  /** Differs from the one before if somebody has moved the group by a seek. */
  readonly mark: string;
  /** In the order of the stream. */
  readonly entries: readonly DeliveredEntry[];
}

/** Takes over what was given back, and what other members did not settle in time. */
export async function claim(context: StreamContext, open: OpenConnection, room: number): Promise<Claimed> {
  const reply = await context.run(open, claimScript, [String(context.claimAfterMs), String(room)]);
  const [mark, entries] = Array.isArray(reply) ? reply : [];
  return { mark: textOf(mark), entries: readEntries(entries) };
}

/** Waits for entries that no member of the group has had, `waitMs` at most. */
export async function readNew(
  { group, consumer, settings }: StreamContext,
  blocking: BlockingCalls,
  room: number,
  waitMs: number,
): Promise<readonly DeliveredEntry[]> {
  const reply = await blocking.call(
    ...["XREADGROUP", "GROUP", group.name, consumer, "COUNT", String(room)],
    ...["BLOCK", String(waitMs), "STREAMS", settings.stream, ">"],
  );
  return entriesOf(reply).map((entry) => ({ ...entry, deliveryCount: 1 }));
}

/** Takes what this member was given by an answer that was lost with its connection. `known`: what it holds, or has settled. */
export async function reclaim(
  context: StreamContext,
  open: OpenConnection,
  known: Iterable<string>,
): Promise<readonly DeliveredEntry[]> {
  return readEntries(await context.run(open, reclaimScript, [...known]));
}

function readEntries(reply: Reply | undefined): DeliveredEntry[] {
  const entries = (Array.isArray(reply) ? reply : []).flatMap((entry: Reply) => {
    const [id, deliveryCount, fields] = Array.isArray(entry) ? entry : [];
    return Array.isArray(fields) ? [{ id: textOf(id), fields, deliveryCount: Number(deliveryCount) }] : [];
  });
  return entries.sort((a, b) => compareIds(a.id, b.id));
}
