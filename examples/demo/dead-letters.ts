import { headerNames, type Message, type Subscriber } from "tidelane";

/** The dead letters of one reason. */
export interface DeadLetterCount {
  readonly reason: string;
  count: number;
  /** The smallest line number among them. */
  firstLine: number;
}

/** Says on a message which line of the input it is. */
export const lineHeader = "x-line";
/** On a message without a payload: nothing comes after it. */
export const endHeader = "x-end";

/** Reads the dead letter topic up to the message that has the end header, and counts by reason, most frequent first. */
export async function countDeadLetters(subscriber: Subscriber): Promise<DeadLetterCount[]> {
  const byReason = new Map<string, DeadLetterCount>();
  for await (const message of subscriber) {
    await message.ack();
    if (message.headers.has(endHeader)) break;
    countOne(byReason, message);
  }
  return [...byReason.values()].sort((a, b) => b.count - a.count || a.firstLine - b.firstLine);
}

function countOne(byReason: Map<string, DeadLetterCount>, message: Message): void {
  const reason = message.headers.get(headerNames.deadLetterReason) ?? "no reason given";
  const line = Number(message.headers.get(lineHeader));
  const known = byReason.get(reason);
  if (known === undefined) {
    byReason.set(reason, { reason, count: 1, firstLine: line });
    return;
  }
  known.count += 1;
  known.firstLine = Math.min(known.firstLine, line);
}
