import type { BurstLoop } from "../method/contract.ts";
import { orderWriter } from "../method/order.ts";

/** Messages on their way at once; the next ones go when the server has all of these. */
const atOnce = 256;

export interface Publishing {
  /** Resolves when the server has said that it has all of them. */
  publishAll(payloads: readonly Buffer[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Publishes bursts. What is taken is what was confirmed. */
export function publishLoop({ publishAll, close }: Publishing): BurstLoop {
  const write = orderWriter();
  let payloads: Buffer[] = [];
  return {
    async fill(count) {
      payloads = Array.from({ length: count }, (_, sequence) => write(sequence));
    },
    async drain(tally) {
      for (let from = 0; from < payloads.length; from += atOnce) {
        const to = Math.min(payloads.length, from + atOnce);
        await publishAll(payloads.slice(from, to));
        for (let sequence = from; sequence < to; sequence++) tally.take(sequence);
      }
    },
    close,
  };
}
