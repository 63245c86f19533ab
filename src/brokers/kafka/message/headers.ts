import { type HeaderValue, MessageHeaders } from "../../../traits/headers.ts";
import type { ClientHeaders } from "../client.ts";
import { headerValueOf } from "./text.ts";

/**
 * The headers of a record. kafkajs gives them by name: values of one name keep their order, names keep that of their
 * first occurrence, and what stood between two values of one name is not known any more. A null value is empty bytes.
 */
export function headersFrom(given: ClientHeaders | undefined): MessageHeaders {
  if (given === undefined) return MessageHeaders.empty;
  const entries: [name: string, value: HeaderValue][] = [];
  for (const name of Object.keys(given)) {
    const value = given[name];
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      // kafkajs collects headers in a plain object, so the first value of a header "constructor" is a function.
      if (one === null || one === undefined) entries.push([name, new Uint8Array()]);
      else if (typeof one === "string" || Buffer.isBuffer(one)) entries.push([name, headerValueOf(one)]);
    }
  }
  return MessageHeaders.from(entries);
}

/**
 * The way back. Values of one name keep their order; where the name is written in several ways, it travels as the first.
 * kafkajs takes only strings and Buffers, and would send another Uint8Array as its digits.
 */
export function headersFor(headers: MessageHeaders): ClientHeaders {
  // Without a prototype "__proto__" is a name like any other.
  const result: { [name: string]: (Buffer | string)[] } = Object.create(null);
  if (headers.size === 0) return result;
  const spellings = new Map<string, string>();
  for (const [written, value] of headers) {
    const folded = written.toLowerCase();
    const name = spellings.get(folded) ?? written;
    spellings.set(folded, name);
    result[name] ??= [];
    result[name].push(typeof value === "string" ? value : bufferOf(value));
  }
  return result;
}

/** The same bytes as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same bytes as a Uint8Array and nothing more. */
export function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
