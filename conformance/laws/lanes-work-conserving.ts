import { all, keyed, onVirtualTime } from "../claims.ts";
import { lanes } from "../engine/lanes.ts";
import type { Law } from "../law.ts";

export const lanesWorkConserving: Law = {
  name: "lanes-work-conserving",
  promise: "Over this broker, no worker is idle while a delivery may run: a slow key delays only itself.",
  claim: all(keyed, onVirtualTime),
  property: lanes(),
};
