import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { PendingCall } from "../../../src/brokers/shared/pending-call.ts";

/** A call that records its answers, and what it held when each came. */
class RecordedCall extends PendingCall<string> {
  readonly outcomes: unknown[];

  constructor(signal?: AbortSignal) {
    const outcomes: unknown[] = [];
    const resolve = (value: string) => outcomes.push(value);
    super("publish()", signal, { resolve, reject: (error) => outcomes.push(error) });
    this.outcomes = outcomes;
  }

  protected override onOver(): void {
    this.outcomes.push("over");
  }
}

describe("PendingCall", () => {
  it("counts the first answer only, and is over before it is given", () => {
    const ends: ((call: RecordedCall) => void)[] = [
      (call) => call.resolve("yes"),
      (call) => call.reject("no"),
      (call) => call.onAbort(),
      (call) => call.drop(),
    ];
    for (const first of ends) {
      const call = new RecordedCall();
      expect(call.over).toBe(false);
      first(call);
      expect(call.over).toBe(true);
      const { length } = call.outcomes;
      expect(call.outcomes[0]).toBe("over");
      for (const later of ends) later(call);
      expect(call.outcomes).toHaveLength(length);
    }
  });

  it("rejects with an AbortedError that names the call when its signal fires", () => {
    const controller = new AbortController();
    const call = new RecordedCall(controller.signal);
    controller.abort("enough");
    expect(call.outcomes).toEqual(["over", expect.objectContaining({ code: "TIDELANE_ABORTED" })]);
    expect(call.outcomes[1]).toMatchObject({
      cause: "enough",
      message: expect.stringContaining("publish()"),
    });
  });

  it("leaves nothing on its signal, however it ends", () => {
    const { signal } = new AbortController();
    const calls = [new RecordedCall(signal), new RecordedCall(signal), new RecordedCall(signal)] as const;
    calls[0].resolve("yes");
    calls[1].reject("no");
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    expect(calls[2].drop()).toBe(true);
    expect(calls[2].outcomes).toEqual(["over"]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
