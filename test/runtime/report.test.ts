import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Delivery } from "../../src/runtime/delivery.ts";
import { Reporter } from "../../src/runtime/report.ts";
import { RecordingMessage } from "../../src/testing/index.ts";
import type { DiagnosticName } from "../../src/traits/diagnostics.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function listen(name: DiagnosticName): unknown[] {
  const events: unknown[] = [];
  const listener = (event: unknown): void => void events.push(event);
  subscribe(name, listener);
  cleanUps.push(() => void unsubscribe(name, listener));
  return events;
}

function warnings(): unknown[][] {
  const spy = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  cleanUps.push(() => spy.mockRestore());
  return spy.mock.calls;
}

const message = new RecordingMessage({ deliveryCount: 2 });
const delivery = new Delivery(0, message);
const broken = new Error("broken");

describe("the diagnostics channels", () => {
  it("tell of a delivery, a settle, a retry and an error, each with its facts", () => {
    const reporter = new Reporter("orders", () => undefined);
    const names = ["tidelane:delivery", "tidelane:settle", "tidelane:retry", "tidelane:error"] as const;
    const [deliveries, settles, retries, errors] = names.map(listen);
    reporter.delivered(message);
    reporter.retrying(delivery, 250, broken);
    reporter.left(delivery, "ack", undefined);
    reporter.left(delivery, "lost", broken);
    reporter.failed(broken, message);
    reporter.failed(broken);
    expect(deliveries).toEqual([{ message }]);
    expect(retries).toEqual([{ message, attempt: 2, delayMs: 250, error: broken }]);
    expect(settles).toEqual([
      { message, outcome: "ack", attempt: 2 },
      { message, outcome: "lost", attempt: 2, error: broken },
    ]);
    expect(errors).toEqual([
      { topic: "orders", error: broken, message },
      { topic: "orders", error: broken },
    ]);
  });

  it("cost nothing without a listener: nothing is read to build an event", () => {
    const unread = new Proxy(delivery, {
      get: (_target, name) => {
        throw new Error(`read ${String(name)}`);
      },
    });
    const reporter = new Reporter("orders", () => undefined);
    reporter.retrying(unread, 1, broken);
    reporter.left(unread, "ack", undefined);
    listen("tidelane:settle");
    expect(() => reporter.left(unread, "ack", undefined)).toThrow("read ");
  });
});

describe("failed", () => {
  it("tells onError the error and the message, and warns nobody", () => {
    const warned = warnings();
    const told: unknown[] = [];
    const reporter = new Reporter("orders", (...given) => told.push(given));
    reporter.failed(broken, message);
    reporter.failed(broken);
    expect(told).toEqual([
      [broken, message],
      [broken, undefined],
    ]);
    expect(warned).toEqual([]);
  });

  it("warns once a run when nobody listens", () => {
    const warned = warnings();
    const [one, two] = [new Reporter("orders", undefined), new Reporter("orders", undefined)];
    for (const reporter of [one, one, two]) reporter.failed(broken);
    expect(warned).toHaveLength(2);
    expect(warned[0]).toEqual([expect.stringMatching(/"orders".*Error: broken.*onError/), "TidelaneWarning"]);
  });

  it("warns once more for what was dropped", () => {
    const warned = warnings();
    const reporter = new Reporter("orders", undefined);
    for (const what of ["failed", "was dropped", "was dropped"] as const) {
      reporter.failed(broken, undefined, what);
    }
    expect(warned.map(([text]) => text)).toEqual([
      expect.stringContaining('A delivery of "orders" failed'),
      expect.stringContaining('A delivery of "orders" was dropped'),
    ]);
  });

  it("does not warn while a diagnostics listener is there", () => {
    const warned = warnings();
    const errors = listen("tidelane:error");
    new Reporter("orders", undefined).failed(broken);
    expect([errors.length, warned.length]).toEqual([1, 0]);
  });

  it("survives an onError that throws, and says so", () => {
    const warned = warnings();
    const reporter = new Reporter("orders", () => {
      throw new Error("listener");
    });
    expect(() => reporter.failed(broken)).not.toThrow();
    expect(warned[0]?.[0]).toBe('onError of "orders" threw: Error: listener');
  });

  it("survives an onError that is async and rejects, and says so", async () => {
    const warned = warnings();
    const reporter = new Reporter("orders", () => Promise.reject(new Error("listener")));
    reporter.failed(broken);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warned).toEqual([['onError of "orders" threw: Error: listener', "TidelaneWarning"]]);
  });
});
