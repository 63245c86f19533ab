import type * as FastCheck from "fast-check";

const loaded: typeof FastCheck = await import("fast-check").catch((cause: unknown): never => {
  throw new Error(
    'tidelane/conformance generates its histories with the package "fast-check", which could not be loaded: run npm install --save-dev fast-check.',
    { cause },
  );
});

/** fast-check, an optional peer: loaded here and nowhere else, so that its absence is one clear error. */
export const fc: typeof FastCheck = loaded;
