import type { Codec, OutgoingMessage } from "tidelane";
import { lineHeader } from "./dead-letters.ts";
import { type LogLine, malformed, parseLine } from "./log.ts";
import type { LineFault, RawLine } from "./log-reader.ts";

/** What the reader found wrong with a line travels beside its bytes, which stay as they were. */
const faultHeader = "x-line-fault";
const faults: readonly LineFault[] = ["truncated", "tooLong"];

const encoder = new TextEncoder();
const strictText = new TextDecoder("utf-8", { fatal: true });

/** A line of the log as a payload. A line that cannot be used is a value as well: the handler sets it aside. */
export const logLine: Codec<LogLine> = {
  contentType: "text/plain; charset=utf-8",
  decode: (message) => readLine(message.payload, message.headers.get(faultHeader)),
  encode: (line) => encoder.encode(line.text),
};

export function readRawLine(raw: RawLine): LogLine {
  return readLine(raw.bytes, raw.fault);
}

function readLine(bytes: Uint8Array, said: string | undefined): LogLine {
  const text = decodeText(bytes);
  const fault = faults.find((known) => known === said);
  if (fault !== undefined) return malformed(fault, text ?? "");
  return text === undefined ? malformed("notText", "") : parseLine(text);
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strictText.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The message that carries a line: its package is the key, and a line without one has none. */
export function toMessage(topic: string, raw: RawLine, line: LogLine): OutgoingMessage {
  const headers: Record<string, string> = { [lineHeader]: String(raw.number) };
  if (raw.fault !== undefined) headers[faultHeader] = raw.fault;
  const message = { topic, payload: raw.bytes, headers };
  return line.kind === "package" ? { ...message, key: line.package } : message;
}
