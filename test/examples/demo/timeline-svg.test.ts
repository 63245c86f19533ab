import { describe, expect, it } from "vitest";
import { colourPackages, toHex } from "../../../examples/demo/colours.ts";
import type { Attempt } from "../../../examples/demo/recording.ts";
import { element, escapeXml, ticks } from "../../../examples/demo/svg.ts";
import { inks } from "../../../examples/demo/timeline-panel.ts";
import { drawTimeline, type Timeline } from "../../../examples/demo/timeline-svg.ts";
import { openTags } from "./xml.ts";

/** 600 runs on three workers over 2 s, of 20 packages; each 50th fails and is run again. */
const attempts: Attempt[] = Array.from({ length: 600 }, (_, at) => {
  const startMs = Math.floor(at / 3) * 10;
  const failed = at % 50 === 49;
  const line = at % 50 === 0 && at > 0 ? at - 1 : at;
  const name = `package-${line % 20 === 0 ? 0 : (line * 7) % 20}:amd64`;
  return { worker: at % 3, package: name, line, startMs, endMs: startMs + 9, askedMs: 9, failed };
});
const timeline: Timeline = { title: "dpkg.log: 3 workers", workers: 3, attempts, count: attempts.length };

describe("drawTimeline", () => {
  const svg = drawTimeline(timeline);

  it("is well-formed XML", () => {
    expect(openTags(svg)).toEqual([]);
    expect(svg).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<svg xmlns="http:\/\/www.w3.org\/2000\/svg" /,
    );
  });

  it("has a row per worker, in the overview and enlarged", () => {
    for (const worker of [1, 2, 3]) expect(svg.split(`>worker ${worker}<`)).toHaveLength(3);
    expect(svg).not.toContain(">worker 4<");
  });

  it("has a title, and says how many runs and retries", () => {
    expect(svg).toContain(">dpkg.log: 3 workers<");
    expect(svg).toContain(">600 handler runs, 12 of them failed and were retried in place");
  });

  it("has an axis in ms", () => {
    expect(svg).toContain(">0 ms<");
    expect(svg).toContain(">1,800 ms<");
  });

  it("marks every failure with the line it was", () => {
    for (const { failed, line, package: name } of attempts) {
      if (failed) expect(svg).toContain(`line ${line} of ${name} failed`);
    }
  });

  it("draws every attempt once in the overview, in the colour of its package", () => {
    const overview = svg.slice(0, svg.indexOf("enlarged"));
    const bars = [...overview.matchAll(/<path fill="(#[0-9a-f]{6})" d="([^"]*)"><title>([^<]*)</g)];
    const drawn = bars.reduce((sum, [, , d = ""]) => sum + (d.match(/M/g)?.length ?? 0), 0);
    expect(drawn).toBe(attempts.length);
    expect(new Set(bars.map(([, colour]) => colour)).size).toBe(20);
    expect(new Set(bars.map(([, , , name]) => name)).size).toBe(20);
  });

  it("lists the ten busiest packages, with their count", () => {
    const legend = svg.slice(svg.indexOf("Busiest packages"));
    expect(legend.match(/>package-\d+:amd64, \d+</g)).toHaveLength(10);
  });

  it("is the same drawing in the dark, but for the ink", () => {
    const dark = drawTimeline(timeline, "dark");
    expect(openTags(dark)).toEqual([]);
    expect(dark).toContain('fill="#0d1117"');
    const bare = (text: string): string => text.replace(/ (fill|stroke)="#[0-9a-f]{6}"/g, "");
    expect(bare(dark)).toBe(bare(svg));
    // What is drawn on the bars reads on the bars' colours, whatever the paper.
    const lightInk = new Set(Object.values(inks.light));
    const left = [...dark.matchAll(/#[0-9a-f]{6}/g)].filter(([colour]) => lightInk.has(colour));
    expect(new Set(left.map(([colour]) => colour))).toEqual(new Set([inks.light.text, inks.light.paper]));
  });

  it("leaves out the enlargement of a run too short for one", () => {
    const short = drawTimeline({ ...timeline, attempts: attempts.slice(0, 30), count: 30 });
    expect(openTags(short)).toEqual([]);
    expect(short).not.toContain("enlarged");
    expect(short.split(">worker 1<")).toHaveLength(2);
  });

  it("draws a run without any attempt", () => {
    const empty = drawTimeline({ ...timeline, attempts: [], count: 0 });
    expect(openTags(empty)).toEqual([]);
    expect(empty).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("says when it shows only the beginning", () => {
    expect(drawTimeline({ ...timeline, count: 1_000_000 })).toContain(
      "the first 600 of 1,000,000 handler runs",
    );
  });

  it("holds no number that is none, and nothing outside the page", () => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const edges = [...svg.matchAll(/ x="([\d.]+)"/g)].map(([, x]) => Number(x));
    expect(Math.max(...edges)).toBeLessThanOrEqual(1_600);
  });

  it("escapes what it is given", () => {
    const name = `<&"'>\u0001:all`;
    const odd = drawTimeline({
      ...timeline,
      title: "a <b> & c",
      attempts: attempts.map((attempt) => ({ ...attempt, package: name })),
    });
    expect(openTags(odd)).toEqual([]);
    expect(odd).toContain("a &lt;b&gt; &amp; c");
    expect(odd).toContain("&lt;&amp;&quot;&apos;&gt;\ufffd:all");
  });
});

describe("the parts of a picture", () => {
  it("escape what XML cannot hold", () => {
    expect(escapeXml("\ud800 \0 \u000b \ufffe")).toBe("\ufffd \ufffd \ufffd \ufffd");
    expect(element("a", { b: 'x"y', c: 1.23456 })).toBe('<a b="x&quot;y" c="1.23"/>');
  });

  it.each([
    [0, 2_100, 12, [0, 200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000]],
    [230, 330, 12, [230, 240, 250, 260, 270, 280, 290, 300, 310, 320, 330]],
    [0, 1, 2, [0, 0.5, 1]],
    [5, 5, 12, [5]],
  ])("tick from %d to %d in round steps", (from, to, most, expected) => {
    expect(ticks(from, to, most)).toEqual(expected);
  });

  it("give each of 1,000 packages a colour of its own", () => {
    const colours = [...colourPackages(Array.from({ length: 1_000 }, (_, at) => `p${at}:all`)).values()];
    expect(new Set(colours).size).toBe(1_000);
    for (const colour of colours) expect(colour).toMatch(/^#[0-9a-f]{6}$/);
  });

  it("turn hue, saturation and lightness into red, green and blue", () => {
    expect(toHex(0, 1, 0.5)).toBe("#ff0000");
    expect(toHex(120, 1, 0.5)).toBe("#00ff00");
    expect(toHex(240, 1, 0.5)).toBe("#0000ff");
    expect(toHex(77, 0, 1)).toBe("#ffffff");
  });
});
