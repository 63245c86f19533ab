import { all, keyed, ordered } from "../claims.ts";
import { lanes } from "../engine/lanes.ts";
import type { Law } from "../law.ts";

export const retryKeepsKeyOrder: Law = {
  name: "retry-keeps-key-order",
  promise:
    "Over this broker, the messages of a key succeed one after another, in order, also when handlers fail.",
  claim: all(keyed, ordered),
  property: lanes(),
};
