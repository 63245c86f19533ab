// `tidelane-error.ts` is what all of them are. Then, on a message's way: `connections.ts`, `deliveries.ts` (from its arrival
// to its settle), `publishing.ts`; last `calls.ts`, which any call may answer.

export type { DecodeIssue } from "./decode-issue.ts";
export * from "./errors/calls.ts";
export * from "./errors/connections.ts";
export * from "./errors/deliveries.ts";
export * from "./errors/publishing.ts";
export * from "./errors/tidelane-error.ts";
