import { isUtf8 } from "node:buffer";
import { type HeaderValue, MessageHeaders } from "../../../traits/headers.ts";
import type { Argument, Reply } from "../client.ts";

/** The first field of this name is the payload; every other field is a header, in order. */
export const payloadField = "payload";

export interface EntryContent {
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
}

/** The fields of an entry, as the end of an XADD. */
export function writeFields(payload: Uint8Array, headers: MessageHeaders): Argument[] {
  const fields: Argument[] = [payloadField, bufferOf(payload)];
  for (const [name, value] of headers) fields.push(name, typeof value === "string" ? value : bufferOf(value));
  return fields;
}

/** Values that are UTF-8 are text. An entry of another program may have no payload: then that is empty. */
export function readFields(fields: readonly Reply[]): EntryContent {
  let payload: Buffer | undefined;
  const headers: [name: string, value: HeaderValue][] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = textOf(fields[index]);
    const value = bytesOf(fields[index + 1]);
    if (payload === undefined && name === payloadField) payload = value;
    else headers.push([name, isUtf8(value) ? value.toString() : plain(value)]);
  }
  return { payload: plain(payload ?? Buffer.alloc(0)), headers: MessageHeaders.from(headers) };
}

export interface StreamEntry {
  readonly id: string;
  /** Name, value, name, value. */
  readonly fields: readonly Reply[];
}

/** What a read of one stream answers: `[[stream, [[id, fields], ...]]]`, or null. An entry that is gone has no fields. */
export function entriesOf(reply: Reply): StreamEntry[] {
  const [stream] = Array.isArray(reply) ? reply : [];
  const [, entries] = Array.isArray(stream) ? stream : [];
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: Reply) => {
    const [id, fields] = Array.isArray(entry) ? entry : [];
    return Array.isArray(fields) ? [{ id: textOf(id), fields }] : [];
  });
}

export function textOf(reply: Reply | undefined): string {
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply ?? "");
}

function bytesOf(reply: Reply | undefined): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.from(textOf(reply));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
