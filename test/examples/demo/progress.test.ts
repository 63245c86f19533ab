import { describe, expect, it } from "vitest";
import { drawBar, Progress, type Screen } from "../../../examples/demo/progress.ts";

const counts = { settled: 50, read: 200, retries: 3 };

function screen(isTTY: boolean, columns = 80): Screen & { written: string[] } {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text) => written.push(text) };
}

describe("Progress", () => {
  it("writes nothing where there is no terminal", () => {
    const file = screen(false);
    const progress = new Progress(file, () => 0);
    progress.update(counts);
    progress.clear();
    expect(file.written).toEqual([]);
  });

  it("draws on one line and clears it", () => {
    const terminal = screen(true);
    const progress = new Progress(terminal, () => 0);
    progress.update(counts);
    progress.clear();
    expect(terminal.written).toEqual([`\r\u001b[2K${drawBar(counts, 80)}`, "\r\u001b[2K"]);
  });

  it("does not draw again at once", () => {
    const terminal = screen(true);
    let now = 0;
    const progress = new Progress(terminal, () => now);
    for (now = 0; now < 1_000; now += 10) progress.update(counts);
    expect(terminal.written.length).toBeGreaterThan(5);
    expect(terminal.written.length).toBeLessThan(20);
  });

  it("draws at its usual width on a terminal that says it has none", () => {
    const terminal = screen(true, 0);
    new Progress(terminal, () => 0).update(counts);
    expect(terminal.written.join("")).toContain("50 of 200 lines");
  });
});

describe("drawBar", () => {
  it("shows the share, and both counts", () => {
    expect(drawBar(counts, 70)).toMatchInlineSnapshot(
      `"████████░░░░░░░░░░░░░░░░░░░░░░░  25%   50 of 200 lines,     3 retries"`,
    );
  });

  it.each([0, 1, 10, 30, 45, 46, 60, 80, 200])("stays within %i columns", (columns) => {
    for (const settled of [0, 7, 200]) {
      expect(drawBar({ ...counts, settled }, columns).length).toBeLessThanOrEqual(Math.max(columns - 1, 0));
    }
  });

  it("keeps its width as the counts grow", () => {
    const widths = [0, 9, 99, 999, 5_000].map(
      (settled) => drawBar({ settled, read: 5_000, retries: settled / 10 }, 80).length,
    );
    expect(new Set(widths).size).toBe(1);
  });

  it("is full at the end, and empty when nothing was read", () => {
    expect(drawBar({ settled: 200, read: 200, retries: 0 }, 80)).toMatch(/^█+ 100%/);
    expect(drawBar({ settled: 0, read: 0, retries: 0 }, 80)).toMatch(/^░+ +0%/);
  });
});
