import { DecodeError, type DecodeIssue } from "./errors.ts";
import type { Message } from "./message.ts";

/** Turns payloads into values and back. `decode` may throw anything; the runtime wraps it in `DecodeError`. */
export interface Codec<T> {
  /** The media type of what `encode` makes, for the `content-type` header. */
  readonly contentType: string;
  decode(message: Message): T | Promise<T>;
  encode(value: T): Uint8Array;
}

/**
 * The part of the Standard Schema interface (version 1) that is called here: any schema of zod, valibot, arktype and
 * others fits.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema or codec makes of a payload. */
export type Decoded<D> =
  D extends Codec<infer T> ? T : D extends StandardSchema<infer _, infer Output> ? Output : never;

const encoder = new TextEncoder();

/** The payload as it is. */
export const bytes: Codec<Uint8Array> = {
  contentType: "application/octet-stream",
  decode: (message) => message.payload,
  encode: (value) => value,
};

/** UTF-8 text; bytes that are not UTF-8 are a `DecodeError`. */
export const text: Codec<string> = {
  contentType: "text/plain; charset=utf-8",
  decode: (message) => message.text(),
  encode: (value) => encoder.encode(value),
};

/** JSON, unchecked. For a checked value pass a schema to `.decode(schema)`. */
export const json: Codec<unknown> = {
  contentType: "application/json",
  decode: (message) => message.json(),
  encode: (value) => encoder.encode(JSON.stringify(value)),
};

/** A decoder as one function: a codec's own, or JSON checked by a schema. */
export function decoderOf<T>(
  from: Codec<T> | StandardSchema<unknown, T>,
): (message: Message) => T | Promise<T> {
  if (!("~standard" in from)) return (message) => from.decode(message);
  const schema = from["~standard"];
  return (message) => {
    const result = schema.validate(message.json());
    return "then" in result ? result.then((late) => accept(message, late)) : accept(message, result);
  };
}

function accept<T>(message: Message, result: SchemaResult<T>): T {
  if (result.issues === undefined) return result.value;
  throw new DecodeError({
    topic: message.topic,
    reason: "the value does not fit the schema",
    issues: result.issues.map(toDecodeIssue),
  });
}

function toDecodeIssue(issue: SchemaIssue): DecodeIssue {
  const path = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  return { message: issue.message, path };
}
