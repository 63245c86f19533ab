import type { HeadersInit } from "tidelane";
import { RecordingMessage } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { headerFault } from "../../../conformance/model/fidelity.ts";

type Sent = Parameters<typeof headerFault>[0];

function faultOf(sent: Sent["headers"], came: HeadersInit, more: Partial<Sent> = {}, again = false) {
  const message = new RecordingMessage({ topic: "A", payload: "", headers: came });
  return headerFault({ headers: sent, ...more }, message, new Set(), again);
}

describe("headers that came", () => {
  it("may be spelled in other letters, and be bytes where they were text", () => {
    expect(faultOf([["X-A", "é"]], { "x-a": new TextEncoder().encode("é") })).toBeUndefined();
  });

  it("have every value of a name, in order", () => {
    const sent = [["x", "1"] as const, ["X", "2"] as const];
    expect(faultOf(sent, [["x", "1"] as const, ["x", "2"] as const])).toBeUndefined();
    expect(faultOf(sent, { x: "2" })).toContain('x = "2" instead of "1" and "2"');
    expect(faultOf(sent, [["x", "2"] as const, ["x", "1"] as const])).toBeDefined();
  });

  it("are not the same where a lone surrogate was replaced, though an encoder would make the same bytes of both", () => {
    expect(faultOf([["x", "\ud800"]], { x: "\ud800" })).toBeUndefined();
    expect(faultOf([["x", "\ud800"]], { x: "\ufffd" })).toBeDefined();
    expect(faultOf([["x", "\ud800"]], { x: Uint8Array.of(0xef, 0xbf, 0xbd) })).toBeDefined();
    expect(faultOf([["x", "\ufffd"]], { x: Uint8Array.of(0xef, 0xbf, 0xbd) })).toBeUndefined();
  });

  it("of a dead letter say why it is one, whatever was published in their place", () => {
    const sent = [["x-tidelane-dead-letter-reason", "old"] as const, ["x", "1"] as const];
    const came = { "x-tidelane-dead-letter-reason": "new", x: "1" };
    const letter = { setAside: { source: "A", attempts: new Set([1]) } };
    expect(faultOf(sent, came, letter)).toBeUndefined();
    expect(faultOf(sent, came)).toContain('"new" instead of "old"');
    expect(faultOf(sent, { ...came, x: "2" }, letter)).toBeDefined();
  });

  it("of a copy that is delivered again may say how often it was", () => {
    const sent = [["x-ruststream-retry-count", "3"] as const];
    expect(faultOf(sent, { "x-ruststream-retry-count": "4" }, {}, true)).toBeUndefined();
    expect(faultOf(sent, { "x-ruststream-retry-count": "4" })).toBeDefined();
  });
});
