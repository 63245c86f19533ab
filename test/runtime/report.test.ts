import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Delivery } from "../../src/runtime/delivery.ts";
import { Reporter } from "../../src/runtime/report.ts";
import { RecordingMessage } from "../../src/testing/index.ts";
import type { DiagnosticName } from "../../src/traits/diagnostics.ts";
import { PublishFailedError } from "../../src/traits/errors.ts";

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
delivery.key = "k";
const told = { error: broken, topic: message.topic, message, key: "k", attempt: 2 };

describe("the diagnostics channels", () => {
  it("tell of a delivery, a settle, a retry and an error, each with its facts", () => {
    const reporter = new Reporter("orders", () => undefined);
    const names = ["tidelane:delivery", "tidelane:settle", "tidelane:retry", "tidelane:error"] as const;
    const [deliveries, settles, retries, errors] = names.map(listen);
    reporter.delivered(message);
    reporter.retrying(delivery, 250, broken);
    reporter.left(delivery, "ack", undefined);
    reporter.left(delivery, "revoked", broken);
    reporter.failed(broken, delivery, { kind: "retry", delayMs: 250 });
    reporter.failed(broken);
    expect(deliveries).toEqual([{ message }]);
    expect(retries).toEqual([{ message, attempt: 2, delayMs: 250, error: broken }]);
    expect(settles).toEqual([
      { message, outcome: "ack", attempt: 2 },
      { message, outcome: "revoked", attempt: 2, error: broken },
    ]);
    expect(errors).toEqual([
      { ...told, next: { kind: "retry", delayMs: 250 } },
      { topic: "orders", error: broken, next: { kind: "none" } },
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
  it("tells onError what, where, which attempt and what comes next, as one object, and warns nobody", () => {
    const warned = warnings();
    const reports: unknown[] = [];
    const reporter = new Reporter("orders", (...given) => reports.push(given));
    reporter.failed(broken, delivery, { kind: "dead-letter" });
    reporter.failed(broken);
    expect(reports).toEqual([
      [{ ...told, next: { kind: "dead-letter" } }],
      [{ error: broken, topic: "orders", next: { kind: "none" } }],
    ]);
    expect(warned).toEqual([]);
  });

  it("warns once a run of each kind of error when nobody listens, with cause and code", () => {
    const warned = warnings();
    const [one, two] = [new Reporter("orders", undefined), new Reporter("orders", undefined)];
    const refused = new PublishFailedError({ topic: "dead", reason: "no queue", retryable: false });
    for (const reporter of [one, one, two])
      reporter.failed(broken, delivery, { kind: "retry", delayMs: 99.9 });
    for (const error of [refused, refused, new TypeError("a string")]) one.failed(error, delivery);
    expect(warned).toEqual([
      [
        'Attempt 2 of a delivery of "orders" failed: Error: broken. Next: retry in 100 ms. To hear of all, pass onError or subscribe to the diagnostics channel "tidelane:error". Said once for each kind of error.',
        "TidelaneWarning",
        undefined,
      ],
      [expect.stringContaining('"orders" failed: Error: broken'), "TidelaneWarning", undefined],
      [
        expect.stringContaining('The message for "dead" was not confirmed: no queue.'),
        "TidelaneWarning",
        "TIDELANE_PUBLISH_FAILED",
      ],
      [expect.stringContaining("TypeError: a string"), "TidelaneWarning", undefined],
    ]);
  });

  it("warns once more when the same error comes to something else", () => {
    const warned = warnings();
    const reporter = new Reporter("orders", undefined);
    for (const kind of ["none", "drop", "drop"] as const) reporter.failed(broken, undefined, { kind });
    expect(warned.map(([text]) => text)).toEqual([
      expect.stringContaining('The run of "orders" failed: Error: broken.'),
      expect.stringContaining("Next: drop."),
    ]);
  });

  it("does not fill the log when each error has a name of its own", () => {
    const warned = warnings();
    const reporter = new Reporter("orders", undefined);
    for (let count = 0; count < 500; count += 1) reporter.failed(`failure ${count}`);
    expect(warned).toHaveLength(100);
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
    expect(warned[0]?.[0]).toBe('onError of "orders" threw: Error: listener. It was told of: Error: broken');
  });

  it("survives an onError that is async and rejects, and says so", async () => {
    const warned = warnings();
    const reporter = new Reporter("orders", () => Promise.reject(new Error("listener")));
    reporter.failed(broken);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warned).toEqual([
      [
        'onError of "orders" threw: Error: listener. It was told of: Error: broken',
        "TidelaneWarning",
        undefined,
      ],
    ]);
  });
});
