import { acknowledges, all } from "../claims.ts";
import { lanes } from "../engine/lanes.ts";
import type { Law } from "../law.ts";

export const drainFinishes: Law = {
  name: "drain-finishes",
  promise:
    "Over this broker, drain() lets deliveries in flight finish, starts no others, and ends by its deadline. The rest is delivered again.",
  claim: all(acknowledges),
  property: lanes({ drains: true }),
};
