import { keyed } from "../claims.ts";
import { lanes } from "../engine/lanes.ts";
import type { Law } from "../law.ts";

export const lanesExclusive: Law = {
  name: "lanes-exclusive",
  promise: "Over this broker, workers(n, byKey) runs at most n handlers at once, and at most one of a key.",
  claim: keyed,
  property: lanes(),
};
