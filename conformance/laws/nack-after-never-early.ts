import { delays } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

export const nackAfterNeverEarly: Law = {
  name: "nack-after-never-early",
  promise: "nackAfter(ms) delivers the message again, at least ms milliseconds later.",
  claim: delays,
  property: history(({ fixture }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [4, publish()],
      [6, pull],
      [5, delay],
      [1, requeue],
      [1, ack],
      [1, close],
      [4, advance(1, 40, 49, 99, 200)],
      [fixture.time === "virtual" ? 1 : 0, advance(60_000, 3_599_999, 80_000_000)],
    ],
    maxSteps: 50,
  })),
};
