import type { Message } from "../../src/traits/index.ts";
import { isPositioned } from "../abilities.ts";
import { comesBefore } from "./posting.ts";
import type { Book, Copy } from "./records.ts";

type Placed = Pick<Copy, "posting" | "position">;

/** Where the broker says that the message stands; undefined where it does not say. */
export function positionOf(message: Message): unknown {
  return isPositioned(message) ? message.position : undefined;
}

/** Whether the broker reports `a` at an earlier place of the same log than `b`. */
export function standsBefore(book: Book, a: Placed, b: Placed): boolean {
  return (compare(book, a, b) ?? 0) < 0;
}

/** Whether `a` is earlier in its topic than `b`: as the broker reports it, or else as far as the contract says it. */
export function isEarlier(book: Book, a: Placed, b: Placed): boolean {
  const reported = compare(book, a, b);
  return reported === undefined ? comesBefore(a.posting, b.posting, "topic") : reported < 0;
}

function compare(book: Book, a: Placed, b: Placed): number | undefined {
  if (a.posting.topic !== b.posting.topic || a.position === undefined || b.position === undefined)
    return undefined;
  return book.comparePositions(a.position, b.position);
}
