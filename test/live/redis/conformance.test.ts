import { conformance, type Fixture, type LawName, type LawReport } from "tidelane/conformance";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { redisFixture } from "./fixture.ts";

/** They need virtual time, a topic that can be full, patterns, or a promise that Redis does not make. */
const notClaimed: readonly LawName[] = [
  "requeue-keeps-place",
  "publish-waits",
  "pattern",
  "lanes-work-conserving",
];

await describeLive("redis", "the laws", ({ address }) => {
  const results: LawReport[] = [];
  // A failure prints the seed and the path that play it again.
  conformance({
    test: (name, body) => it(name, { timeout: 120_000 }, () => body()),
    fixture: redisFixture({ address }) as Fixture,
    options: { runs: 3 },
    onResult: (law) => results.push(law),
  });

  it("there are no gaps, what is not claimed is listed here, and all else was judged", () => {
    const having = (verdict: LawReport["verdict"]): LawName[] =>
      results.filter((each) => each.verdict === verdict).map(({ law }) => law);
    expect(having("gap")).toEqual([]);
    expect(having("not claimed").sort()).toEqual([...notClaimed].sort());
    expect(having("not judged")).toEqual([]);
  });
});
