import { isDeepStrictEqual } from "node:util";
import type { Arbitrary } from "fast-check";
import { RecordingMessage } from "../src/testing/recording-message.ts";
import { checkFunction, checkObject } from "../src/traits/arguments.ts";
import type { Codec } from "../src/traits/codec.ts";
import { checkOptionNames, optionNames } from "../src/traits/option-names.ts";
import type { TestFunction } from "./conformance-options.ts";
import { fc } from "./fast-check.ts";

type Equal<T> = (decoded: T, encoded: T) => boolean;

/** Options of `codecLaws(options)`. */
export interface CodecLawsOptions<T> {
  /** The `test` function of the runner. */
  readonly test: TestFunction;
  /** The codec. */
  readonly codec: Codec<T>;
  /** The codec's name in the names of the tests. */
  readonly name: string;
  /** Values that the codec promises to carry. */
  readonly carries: Arbitrary<T>;
  /** Values that it must refuse. @default none */
  readonly refuses?: Arbitrary<unknown>;
  /** Whether a decoded value equals the encoded one. @default deep and strict equality */
  readonly equal?: Equal<T>;
  /** How many values for each law. @default 200 */
  readonly runs?: number;
  /** The same seed gives the same values. @default drawn, and reported */
  readonly seed?: number;
}

const names = optionNames<CodecLawsOptions<unknown>>()({
  test: true,
  codec: true,
  name: true,
  // An arbitrary is an object with names of its own.
  carries: true,
  refuses: true,
  equal: true,
  runs: true,
  seed: true,
});

/**
 * Registers one test for each law of a codec. Each test generates values, looks for one that the codec changes or
 * decodes wrongly, and shortens it.
 *
 * @example
 * codecLaws({ test, codec: json, name: "json", carries: fc.jsonValue(), refuses: fc.constant(undefined) });
 */
export function codecLaws<T>(options: CodecLawsOptions<T>): void {
  checkObject("codecLaws(options)", options);
  checkOptionNames("codecLaws(options)", options, names);
  checkFunction("codecLaws(options): test", options.test);
  const { test, codec, name, carries, refuses, equal = isDeepStrictEqual, runs = 200, seed } = options;
  const limits = { numRuns: runs, ...(seed === undefined ? {} : { seed }) };
  const laws: Readonly<Record<string, () => Promise<void> | void>> = {
    "its content type is a media type": () => checkMediaType(codec.contentType),
    "what is encoded decodes to the same value": () =>
      fc.assert(
        fc.asyncProperty(carries, (value) => comesBack(codec, value, equal)),
        limits,
      ),
    "encoding the next value leaves the bytes of the last one alone": () =>
      fc.assert(
        fc.property(carries, carries, (first, second) => keepsBytes(codec, first, second)),
        limits,
      ),
    "decoding changes no payload, and is the same when it is done again": () =>
      fc.assert(
        fc.asyncProperty(carries, (value) => decodesAgain(codec, value, equal)),
        limits,
      ),
    "bytes of any kind decode, or throw an error, and stay as they are": () =>
      fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), (payload) => survives(codec, payload)),
        limits,
      ),
    ...(refuses && {
      "what it cannot carry throws in encode()": () =>
        fc.assert(
          fc.property(refuses, (value) => refusesIt(codec, value as T)),
          limits,
        ),
    }),
  };
  for (const [promise, check] of Object.entries(laws)) {
    test(`${name}: ${promise}`, async () => {
      await check();
    });
  }
}

function checkMediaType(contentType: string): void {
  if (/^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w-]+)*$/.test(contentType)) return;
  throw new Error(`contentType is "${contentType}"; a media type is like "application/json".`);
}

async function comesBack<T>(codec: Codec<T>, value: T, equal: Equal<T>): Promise<void> {
  const decoded = await codec.decode(messageOf(bytesOf(codec, value)));
  if (!equal(decoded, value)) throw new Error(`It decoded to ${fc.stringify(decoded)}.`);
}

function keepsBytes<T>(codec: Codec<T>, first: T, second: T): void {
  const payload = bytesOf(codec, first);
  const copy = payload.slice();
  codec.encode(second);
  if (sameBytes(payload, copy)) return;
  throw new Error("The bytes changed: the codec encodes into one buffer, and must give a copy of it.");
}

async function decodesAgain<T>(codec: Codec<T>, value: T, equal: Equal<T>): Promise<void> {
  const payload = bytesOf(codec, value);
  const copy = payload.slice();
  const first = await codec.decode(messageOf(payload));
  const second = await codec.decode(messageOf(payload));
  if (!sameBytes(payload, copy)) throw new Error("The payload is not as it was.");
  if (!equal(second, first)) throw new Error(`It decoded to ${fc.stringify(second)} the second time.`);
}

async function survives<T>(codec: Codec<T>, payload: Uint8Array): Promise<void> {
  const copy = payload.slice();
  try {
    await codec.decode(messageOf(payload));
  } catch (error) {
    checkError(error);
  }
  if (!sameBytes(payload, copy)) throw new Error("The payload is not as it was.");
}

function refusesIt<T>(codec: Codec<T>, value: T): void {
  let payload: Uint8Array;
  try {
    payload = codec.encode(value);
  } catch (error) {
    checkError(error);
    return;
  }
  throw new Error(`It was encoded in ${payload.byteLength} bytes.`);
}

function checkError(thrown: unknown): void {
  if (!(thrown instanceof Error)) throw new Error(`It threw ${fc.stringify(thrown)}, which is no Error.`);
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function bytesOf<T>(codec: Codec<T>, value: T): Uint8Array {
  const payload: unknown = codec.encode(value);
  if (payload instanceof Uint8Array) return payload;
  throw new Error(`encode() gave ${fc.stringify(payload)}; it gives a Uint8Array.`);
}

function messageOf(payload: Uint8Array): RecordingMessage {
  return new RecordingMessage({ topic: "codec", payload });
}
