import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ReconnectReport } from "../../../src/brokers/shared/reconnect-report.ts";

const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
afterEach(() => warn.mockClear());

describe("ReconnectReport", () => {
  it("warns once of a loss and once of the return where nobody listens", () => {
    const report = new ReconnectReport("shop");
    report.lost(0, new Error("the server went away"));
    report.lost(1, new Error("connect ECONNREFUSED"));
    report.restored(2);
    report.restored(2);
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      'The connection to "shop" is lost (the server went away); tidelane keeps trying to restore it.',
      'The connection to "shop" is restored.',
    ]);
    report.lost(0);
    expect(warn).toHaveBeenCalledTimes(3);
  });

  it("says of a connection that is given up that it is closed", () => {
    const report = new ReconnectReport("shop");
    report.lost(0, new Error("the server went away."));
    report.lost(1, new Error("Connecting failed: nothing listens there."), true);
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      'The connection to "shop" is lost (the server went away); tidelane keeps trying to restore it.',
      'The connection to "shop" is lost (Connecting failed: nothing listens there); it is closed, as reconnecting is over.',
    ]);
  });

  it("tells a listener everything and warns of nothing", () => {
    const events: unknown[] = [];
    const listen = (event: unknown): void => void events.push(event);
    subscribe("tidelane:reconnect", listen);
    try {
      const report = new ReconnectReport("shop");
      report.lost(0);
      report.lost(1);
      report.restored(1);
    } finally {
      unsubscribe("tidelane:reconnect", listen);
    }
    expect(events).toEqual([
      { broker: "shop", state: "lost", attempt: 0 },
      { broker: "shop", state: "lost", attempt: 1 },
      { broker: "shop", state: "restored", attempt: 1 },
    ]);
    expect(warn).not.toHaveBeenCalled();
  });
});
