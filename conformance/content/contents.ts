import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Content } from "../stage/outgoing.ts";
import { headerLists, headersForms } from "./headers.ts";
import { bareBytes, layouts, payloadTexts } from "./payloads.ts";
import { anyText } from "./texts.ts";

/** What a step publishes, wherever that goes. */
export type Contents = Omit<Content, "topic">;

/** A key or none; few, so that they repeat. */
export const keys: Arbitrary<string | undefined> = fc.constantFrom(undefined, "a", "b");

/** The first two differ in case only. */
export const anyKeys: Arbitrary<string | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "A", "", undefined) },
  { weight: 3, arbitrary: anyText },
);

export const textPayload: Arbitrary<Contents> = fc.record({ payload: payloadTexts, bare: fc.boolean() });

export const bytesPayload: Arbitrary<Contents> = fc.record({
  payload: fc.uint8Array({ maxLength: 12 }),
  layout: layouts,
});

export const barePayload: Arbitrary<Contents> = fc.record({
  payload: bareBytes,
  layout: layouts,
  bare: fc.constant(true),
});

/** As large as the publisher says a payload may be, and nothing beside it. */
export const largestPayload: Arbitrary<Contents> = fc
  .constantFrom<("bytes" | "text")[]>("bytes", "text")
  .map((largest) => ({ largest, unmarked: true }));

export const richHeaders: Arbitrary<Contents> = fc.record({
  headers: headerLists,
  headersForm: headersForms,
});

const richPayload: Arbitrary<Contents> = fc.oneof(textPayload, bytesPayload, barePayload);

/** Everything the contract allows, carried exactly or refused. */
export const richContents: Arbitrary<Contents> = fc
  .tuple(anyKeys, fc.option(richHeaders), fc.option(richPayload))
  .map(([key, headers, payload]) => ({ key, ...headers, ...payload }));

const plainContents: Arbitrary<Contents> = keys.map((key) => ({ key }));

/** Mostly plain, so that a history stays small; now and then what a law beside this one would not publish. */
export const contents: Arbitrary<Contents> = fc.oneof(
  { withCrossShrink: true },
  { weight: 12, arbitrary: plainContents },
  { weight: 1, arbitrary: richContents },
);
