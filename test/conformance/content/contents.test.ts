import { MessageHeaders } from "tidelane";
import { describe, expect, it } from "vitest";
import { arePlain, type HeadersForm, shaped } from "../../../conformance/content/headers.ts";
import { type Layout, laidOut } from "../../../conformance/content/payloads.ts";
import { isPlainText } from "../../../conformance/content/texts.ts";

const forms: HeadersForm[] = ["pairs", "record", "headers", "map", "once"];

describe("headers in the form a caller may use", () => {
  it.each(forms)("are the same headers as %s", (form) => {
    const headers = [["a", "1"] as const, ["__proto__", "2"] as const];
    expect([...MessageHeaders.from(shaped(headers, form))]).toEqual(headers);
  });

  it.each(forms)("keep a name that occurs twice as %s", (form) => {
    const headers = [["a", "1"] as const, ["a", "2"] as const];
    expect([...MessageHeaders.from(shaped(headers, form))]).toEqual(headers);
  });
});

it.each(["alone", "view", "shared", "Buffer"] satisfies Layout[])(
  "a payload that lies in memory as %s has its own bytes alone",
  (layout) => {
    const laid = laidOut(Uint8Array.of(1, 2, 3), layout);
    expect([...laid]).toEqual([1, 2, 3]);
    expect(laid.buffer.byteLength === 3).toBe(layout === "alone");
    expect(laid.buffer instanceof SharedArrayBuffer).toBe(layout === "shared");
  },
);

describe("what every transport carries", () => {
  it.each(["a", "a b", "text/plain; q=1"])("is text such as %j", (text) => {
    expect(isPlainText(text)).toBe(true);
  });

  it.each(["", " a", "a ", "é", "a\tb", "\ud800", "k".repeat(201)])("is not text such as %j", (text) => {
    expect(isPlainText(text)).toBe(false);
  });

  it("are headers as its publisher says", () => {
    const twice = [["a", "1"] as const, ["A", "2"] as const];
    const bytes = [["a", Uint8Array.of(255)] as const];
    expect(arePlain(twice, { bytes: false, duplicates: true })).toBe(true);
    expect(arePlain(twice, { bytes: true, duplicates: false })).toBe(false);
    expect(arePlain(bytes, { bytes: true, duplicates: false })).toBe(true);
    expect(arePlain(bytes, { bytes: false, duplicates: true })).toBe(false);
    expect(arePlain([["reply-to", "a"]], { bytes: true, duplicates: true })).toBe(false);
  });
});
