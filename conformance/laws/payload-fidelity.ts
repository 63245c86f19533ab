import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

/** Bytes as they are, without an id in front: the empty payload, one byte, what is not UTF-8. */
const bare = fc
  .constantFrom([], [0], [255], [0, 0], [13, 10], [0xc3, 0x28], [0xef, 0xbb, 0xbf])
  .map((bytes) => ({ payload: Uint8Array.from(bytes), bare: true }));

const generated = fc.uint8Array({ maxLength: 40 }).map((payload) => ({ payload }));

/** More than fits one read of a socket. */
const large = fc
  .constantFrom(70_000, 1_000, 33_000)
  .map((length) => ({ payload: new Uint8Array(length).map((_, index) => (index * 31) % 256) }));

export const payloadFidelity: Law = {
  name: "payload-fidelity",
  promise:
    "Payloads arrive byte for byte as they were published, the empty one included, and none is invented.",
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [4, publish(bare)],
      [3, publish(generated)],
      [1, publish(large)],
      [6, pull],
      [1, take],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
    ],
    maxSteps: 40,
  })),
};
