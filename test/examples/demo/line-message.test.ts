import { headerNames, MemoryBroker, type Message } from "tidelane";
import { describe, expect, it } from "vitest";
import { lineHeader } from "../../../examples/demo/dead-letters.ts";
import { logLine, readRawLine, toMessage } from "../../../examples/demo/line-message.ts";
import { reasons } from "../../../examples/demo/log.ts";
import type { RawLine } from "../../../examples/demo/log-reader.ts";

const encoder = new TextEncoder();
const install = "2025-06-24 14:36:25 install a:all <none> 1";

/** The line as it arrives on the other side of a broker. */
async function deliver(raw: RawLine): Promise<Message> {
  const connection = await new MemoryBroker().connect();
  const subscriber = await connection.subscribe("lines");
  await connection.publisher().publish(toMessage("lines", raw, readRawLine(raw)));
  const { value } = await subscriber[Symbol.asyncIterator]().next();
  await connection.close();
  if (value === undefined) throw new Error("nothing was delivered");
  return value;
}

describe("a line as a message", () => {
  it("has the package as its key, its number in a header and the line as its payload", async () => {
    const message = await deliver({ number: 17, bytes: encoder.encode(install) });
    expect(message.partitionKey).toBe("a:all");
    expect(message.headers.get(lineHeader)).toBe("17");
    expect(message.text()).toBe(install);
    expect(logLine.decode(message)).toEqual({
      kind: "package",
      text: install,
      package: "a:all",
      step: "install",
    });
  });

  it("has no key when it names no package", async () => {
    const message = await deliver({
      number: 1,
      bytes: encoder.encode("2025-06-24 14:36:25 startup archives unpack"),
    });
    expect(message.partitionKey).toBeUndefined();
    expect(message.headers.has(headerNames.partitionKey)).toBe(false);
    expect(logLine.decode(message)).toMatchObject({ kind: "malformed", reason: reasons.startup });
  });

  it.each(["truncated", "tooLong"] as const)("keeps what the reader found: %s", async (fault) => {
    const message = await deliver({ number: 1, bytes: encoder.encode(install), fault });
    expect(message.partitionKey).toBeUndefined();
    expect(logLine.decode(message)).toEqual({ kind: "malformed", text: install, reason: reasons[fault] });
  });

  it("keeps bytes that are not text, and says so", async () => {
    const bytes = Uint8Array.of(0x61, 0xff, 0x62);
    const message = await deliver({ number: 1, bytes });
    expect([...message.payload]).toEqual([...bytes]);
    expect(logLine.decode(message)).toMatchObject({ kind: "malformed", reason: reasons.notText });
  });

  it("encodes to the line it was read from", () => {
    const line = readRawLine({ number: 1, bytes: encoder.encode(install) });
    expect(new TextDecoder().decode(logLine.encode(line))).toBe(install);
  });
});
