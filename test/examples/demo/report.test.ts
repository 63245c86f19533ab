import { describe, expect, it } from "vitest";
import { reasons } from "../../../examples/demo/log.ts";
import { exitCodeOf, formatReport, type RunResult, remarks } from "../../../examples/demo/report.ts";

const order = { packages: 649, outOfSequence: 0, illegalFromRun: 0, illegalFromFile: 0, unknown: 0 };
const startup = { reason: reasons.startup, count: 46, firstLine: 1 };
const good: RunResult = {
  linesRead: 4_992,
  handled: 4_946,
  unhandled: 0,
  retries: 101,
  deadLetters: [startup],
  order,
  wallMs: 2_000,
  workMs: 15_000,
  longestMs: 150,
  peakInFlight: 256,
  interrupted: false,
};
const facts = { input: "dpkg.log", workers: 8, seed: 1, broker: "memory" };

describe("the table", () => {
  it("has a row for everything, and says what is computed", () => {
    expect(formatReport(good, facts)).toMatchInlineSnapshot(`
      "dpkg.log: 8 workers, every package in order, broker memory, seed 1

        lines read           4,992
        handled              4,946  649 packages
        retries                101  in place: the package's later lines wait, the others do not
        dead letters            46  read back from the dead letter topic
                                46  a startup line, which names no package; the first is line 1
        order violations         0  0 by line number, 0 by state machine
        wall time           2.00 s  from the first line read to the last one settled
        one after another  15.00 s  computed: the times of all handlers added up; 7.5 times the run
        ideal               1.88 s  computed: max(longest package 0.15 s, total / 8); the run took 6.7% more
        in flight at most      256  lines taken from the broker and not settled
      "
    `);
  });

  it("compares with the longest package where that is the ideal", () => {
    const table = formatReport({ ...good, longestMs: 1_900 }, facts);
    expect(table).toMatch(/^ {2}ideal +1\.90 s .*; the run took 5\.3% more$/m);
  });

  it("has a row for what was left when it was interrupted, and no comparison with the ideal", () => {
    const table = formatReport({ ...good, handled: 3_946, unhandled: 1_000, interrupted: true }, facts);
    expect(table).toMatch(/^ {2}not handled +1,000$/m);
    expect(table).toMatch(/^ {2}ideal .*total \/ 8\)$/m);
  });

  it("counts order violations of both kinds and tells what stands so in the log", () => {
    const violations = { ...order, outOfSequence: 1, illegalFromRun: 2, illegalFromFile: 4, unknown: 8 };
    expect(formatReport({ ...good, order: violations }, facts)).toMatch(
      /order violations +7 +1 by line number, 6 by state machine, 4 of them stand so in the log, 8 steps it does not know/,
    );
  });

  it("has one line a reason", () => {
    const cut = { reason: reasons.truncated, count: 1, firstLine: 4_992 };
    const table = formatReport({ ...good, deadLetters: [startup, cut] }, facts);
    expect(table).toMatch(/dead letters +47 {2}read back/);
    expect(table).toContain("46  a startup line, which names no package; the first is line 1\n");
    expect(table).toContain(" 1  cut short: the input ends before the line does; line 4,992\n");
  });

  it("stands on no time at all", () => {
    const nothing = {
      ...good,
      linesRead: 0,
      handled: 0,
      wallMs: 0,
      workMs: 0,
      longestMs: 0,
      deadLetters: [],
    };
    expect(formatReport(nothing, facts)).not.toMatch(/NaN|Infinity/);
  });
});

describe("the remarks and the exit code", () => {
  it("are none and 0 for a good run", () => {
    expect(remarks(good)).toEqual([]);
    expect(exitCodeOf(good)).toBe(0);
  });

  it("tell of a last line that was cut short, which is no failure", () => {
    const result = {
      ...good,
      handled: 4_945,
      deadLetters: [startup, { ...startup, reason: reasons.truncated, count: 1, firstLine: 4_992 }],
    };
    expect(remarks(result)).toEqual([
      "The last line (4,992) has no line end, so it may be cut short: it is a dead letter.",
    ]);
    expect(exitCodeOf(result)).toBe(0);
  });

  it("tell what was left after an interruption: 130", () => {
    const result = { ...good, handled: 3_946, unhandled: 1_000, interrupted: true };
    expect(remarks(result)).toEqual([
      "Interrupted: of 4,992 lines read, 3,946 were handled, 46 set aside as dead letters and 1,000 were not.",
    ]);
    expect(exitCodeOf(result)).toBe(130);
  });

  it("tell that nothing could be replayed: 1", () => {
    const result = { ...good, linesRead: 46, handled: 0 };
    expect(remarks(result)).toEqual([
      "None of the 46 lines could be replayed: is this a dpkg log? The table has the reasons.",
    ]);
    expect(exitCodeOf(result)).toBe(1);
  });

  it("tell what is illegal in the log itself, which is no failure of the run", () => {
    const result = { ...good, order: { ...order, illegalFromFile: 3 } };
    expect(remarks(result)).toEqual([
      "The log itself has 3 lines where the state machine does not expect them.",
    ]);
    expect(exitCodeOf(result)).toBe(0);
  });

  it.each([
    ["a line is lost", { handled: 4_945 }, "of 4,992 lines read, 1 were neither handled nor set aside"],
    [
      "a line is left without an interruption",
      { handled: 4_945, unhandled: 1 },
      "of 4,992 lines read, 1 were",
    ],
    [
      "a line is out of sequence",
      { order: { ...order, outOfSequence: 1 } },
      "1 lines were handled out of order",
    ],
    [
      "a step is illegal in the run only",
      { order: { ...order, illegalFromRun: 1 } },
      "1 lines were handled out of order",
    ],
  ])("call it a broken promise when %s: 1", (_, change, sentence) => {
    const result = { ...good, ...change };
    expect(remarks(result)).toEqual([expect.stringContaining(`A promise was broken: ${sentence}`)]);
    expect(exitCodeOf(result)).toBe(1);
  });
});
