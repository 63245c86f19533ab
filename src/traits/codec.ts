import { DecodeError, type DecodeIssue, InvalidArgumentError } from "./errors.ts";
import type { Message } from "./message.ts";

/** Turns payloads into values and back. If `decode` throws, the pipeline reports a `DecodeError`. */
export interface Codec<T> {
  /** The media type of what `encode` makes, for the `content-type` header. */
  readonly contentType: string;
  decode(message: Message): T | Promise<T>;
  encode(value: T): Uint8Array;
}

/** The part of Standard Schema, version 1, that tidelane calls. Schemas of zod, valibot, arktype and others have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema answers: the value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that a schema found wrong. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of value that a schema or a codec gives. */
export type Decoded<D> =
  D extends Codec<infer T> ? T : D extends StandardSchema<infer _, infer Output> ? Output : never;

const encoder = new TextEncoder();

/** The payload as it is. */
export const bytes: Codec<Uint8Array> = {
  contentType: "application/octet-stream",
  decode: (message) => message.payload,
  encode: (value) => value,
};

/**
 * UTF-8 text. `decode` throws `DecodeError` if the bytes are not UTF-8. `encode` throws `InvalidArgumentError` on a
 * lone surrogate.
 */
export const text: Codec<string> = {
  contentType: "text/plain; charset=utf-8",
  decode: (message) => message.text(),
  encode: (value) => {
    if (typeof value === "string" && value.isWellFormed()) return encoder.encode(value);
    throw new InvalidArgumentError({
      argument: "text.encode(value)",
      expected: "a string without lone surrogates",
      received: value,
    });
  },
};

/**
 * JSON, unchecked. For a checked value, pass a schema to `.decode(schema)`. `encode` throws `InvalidArgumentError`
 * on a value that JSON cannot carry: `undefined`, a function, a symbol.
 */
export const json: Codec<unknown> = {
  contentType: "application/json",
  decode: (message) => message.json(),
  encode: (value) => {
    const written: string | undefined = JSON.stringify(value);
    if (written !== undefined) return encoder.encode(written);
    throw new InvalidArgumentError({
      argument: "json.encode(value)",
      expected: "a value that JSON can carry",
      received: value,
    });
  },
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

/** With a plain path, as errors carry it. */
export function toDecodeIssue(issue: SchemaIssue): DecodeIssue {
  const path = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  return { message: issue.message, path };
}
