import { describe, expect, it } from "vitest";
import { Countdown } from "../../../examples/demo/countdown.ts";

describe("Countdown", () => {
  it("is done when all that was counted up was counted down", async () => {
    const countdown = new Countdown(1);
    let done = false;
    void countdown.done.then(() => {
      done = true;
    });
    countdown.up();
    countdown.down();
    await Promise.resolve();
    expect(done).toBe(false);
    countdown.down();
    await countdown.done;
    expect(done).toBe(true);
  });
});
