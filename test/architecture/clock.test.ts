import { expect, it } from "vitest";
import { usesOfGlobalTime } from "./global-time.ts";
import { parseModule, readModules } from "./modules.ts";

/** The files that may, and what they may use. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "src/traits/clock.ts": ["setTimeout", "performance", "setImmediate"],
  "src/testing/virtual-clock.ts": ["setImmediate", "node:timers"],
};

it("time comes from a Clock in src/ and conformance/", { timeout: 60_000 }, () => {
  const uses = readModules("src", "conformance").flatMap((module) =>
    usesOfGlobalTime(module)
      .filter((use) => !allowed[module.path]?.includes(use.what))
      .map((use) => `${module.path}:${use.line} uses ${use.what}`),
  );
  expect(uses).toEqual([]);
});

it("sees every form of it", () => {
  const planted = `
    import { setTimeout as wait } from "node:timers/promises";
    setTimeout(f, 1);
    globalThis.setInterval(f, 1);
    const later = setImmediate;
    const a = Date.now() + globalThis.Date.now();
    const b = new Date();
    const c = performance.now();
    const d = AbortSignal.timeout(5);
    const e = process.hrtime.bigint();
    let fine: ReturnType<typeof setTimeout> | undefined;
    const alsoFine = new Date(0), andThis = [Date, "setTimeout"], clock = { now: () => 0 }.now();
  `;
  const uses = usesOfGlobalTime(parseModule("src/planted.ts", planted));
  expect(uses.map((use) => `${use.line} ${use.what}`).sort()).toEqual(
    [
      "2 node:timers/promises",
      "2 setTimeout",
      "3 setTimeout",
      "4 setInterval",
      "5 setImmediate",
      "6 Date.now",
      "6 Date.now",
      "7 new Date()",
      "8 performance",
      "9 AbortSignal.timeout",
      "10 hrtime",
    ].sort(),
  );
});
