import { acknowledges, all } from "../claims.ts";
import { lanes } from "../engine/lanes.ts";
import type { Law } from "../law.ts";

export const drainFinishes: Law = {
  name: "drain-finishes",
  promise:
    "Over this broker, drain() lets what was taken finish and ends by its deadline; nothing starts after it, and the rest is delivered again.",
  claim: all(acknowledges),
  property: lanes({ drains: true }),
};
