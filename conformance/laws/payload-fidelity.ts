import type { Arbitrary } from "fast-check";
import {
  barePayload,
  bytesPayload,
  type Contents,
  largestPayload,
  textPayload,
} from "../content/contents.ts";
import { largeBytes } from "../content/payloads.ts";
import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

const largePayload: Arbitrary<Contents> = fc.record({ payload: largeBytes, bare: fc.boolean() });

export const payloadFidelity: Law = {
  name: "payload-fidelity",
  promise:
    "Payloads arrive byte for byte as they were published, also the empty one and the largest, and no message is invented.",
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [4, publish(barePayload)],
      [3, publish(bytesPayload)],
      [2, publish(textPayload)],
      [1, publish(largePayload)],
      [1, publish(largestPayload)],
      [6, pull],
      [1, take],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
    ],
    maxSteps: 40,
  })),
};
