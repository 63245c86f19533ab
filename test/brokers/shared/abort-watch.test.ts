import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { type Abortable, unwatchAbort, watchAbort } from "../../../src/brokers/shared/abort-watch.ts";

class Recorder implements Abortable {
  aborts = 0;

  onAbort(): void {
    this.aborts += 1;
  }
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("watching a signal", () => {
  it("takes one listener for any number of waiters, and none once they are gone", () => {
    const { signal } = new AbortController();
    const waiters = Array.from({ length: 50 }, () => new Recorder());
    for (const waiter of waiters) watchAbort(signal, waiter);
    expect(listeners(signal)).toBe(1);
    for (const waiter of waiters.slice(1)) unwatchAbort(signal, waiter);
    expect(listeners(signal)).toBe(1);
    for (const waiter of waiters) unwatchAbort(signal, waiter);
    expect(listeners(signal)).toBe(0);
  });

  it("tells those who wait, once, and nobody who left", () => {
    const controller = new AbortController();
    const [stays, leaves, comesBack] = [new Recorder(), new Recorder(), new Recorder()];
    for (const waiter of [stays, leaves, comesBack]) watchAbort(controller.signal, waiter);
    unwatchAbort(controller.signal, leaves);
    unwatchAbort(controller.signal, comesBack);
    watchAbort(controller.signal, comesBack);
    controller.abort();
    expect([stays.aborts, leaves.aborts, comesBack.aborts]).toEqual([1, 0, 1]);
    unwatchAbort(controller.signal, stays);
    expect(stays.aborts).toBe(1);
  });
});
