import { all, keyed, ordered } from "../claims.ts";
import { lanes } from "../engine/lanes.ts";
import type { Law } from "../law.ts";

export const retryKeepsKeyOrder: Law = {
  name: "retry-keeps-key-order",
  promise:
    "Over this broker, the deliveries of one key run to success one after another, in order, when handlers fail too.",
  claim: all(keyed, ordered),
  property: lanes(),
};
