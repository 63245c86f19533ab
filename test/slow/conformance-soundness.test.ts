import { runConformance, toMarkdown } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { memoryFixture } from "../conformance/memory-fixture.ts";

/** More seeds: `npm run soak -- memory`, which takes fresh ones for as long as it is told to. */
describe("the full run on the memory broker", () => {
  it.each(Array.from({ length: 3 }, (_, index) => 1_000 + index))("passes with seed %i", async (seed) => {
    const report = await runConformance(memoryFixture, { seed });
    expect(
      report.laws.map(({ verdict }) => verdict).filter((verdict) => verdict !== "pass"),
      toMarkdown(report),
    ).toEqual([]);
    expect(report.histories).toBeGreaterThan(5_000);
  });
});
