import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, it, vi } from "vitest";
import { reportError, reportOrWarn } from "../../../src/brokers/shared/error-report.ts";
import { TimeoutError } from "../../../src/traits/errors.ts";

const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
afterEach(() => warn.mockClear());

it("warns once for each topic and kind of error where nobody listens", () => {
  reportError({ topic: "reported.a", error: new TimeoutError({ what: "A commit", timeoutMs: 5 }) });
  reportError({ topic: "reported.a", error: new TimeoutError({ what: "A commit", timeoutMs: 6 }) });
  reportError({ topic: "reported.b", error: new Error("odd") });
  expect(warn.mock.calls.map(([text]) => text)).toEqual([
    'A failure of "reported.a": A commit did not finish within 5 ms.',
    'A failure of "reported.b": odd',
  ]);
});

it("tells a listener every time and warns of nothing", () => {
  const told: unknown[] = [];
  const listen = (report: unknown): void => void told.push(report);
  subscribe("tidelane:error", listen);
  const report = { topic: "reported.c", error: new Error("odd") };
  reportError(report);
  reportError(report);
  unsubscribe("tidelane:error", listen);
  expect(told).toEqual([report, report]);
  expect(warn).not.toHaveBeenCalled();
});

it("warns in words of the caller's, and not where there are none this time", () => {
  const report = { topic: "reported.d", error: new Error("odd") };
  reportOrWarn(report, () => "Mind the gap.");
  reportOrWarn(report, () => undefined);
  expect(warn.mock.calls).toEqual([["Mind the gap.", "TidelaneWarning"]]);
});
