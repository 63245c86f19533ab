import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectToMemory, type DemoConnection } from "../../../examples/demo/brokers.ts";
import { reasons } from "../../../examples/demo/log.ts";
import { InputError, type RawLine, readLines } from "../../../examples/demo/log-reader.ts";
import type { ProgressCounts } from "../../../examples/demo/progress.ts";
import type { Recording } from "../../../examples/demo/recording.ts";
import { replayLog } from "../../../examples/demo/run.ts";

const log = readFileSync("examples/data/dpkg.log", "utf8").split("\n");
const never = new AbortController().signal;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** The first `count` lines of the real log. */
function head(count: number): AsyncGenerator<RawLine> {
  return readLines(bytesOf(`${log.slice(0, count).join("\n")}\n`), "The log");
}

/** Pairs of attempts of one package that overlap in time. */
function overlaps({ attempts }: Recording): number {
  const lastEnd = new Map<string, number>();
  let count = 0;
  for (const attempt of [...attempts].sort((a, b) => a.startMs - b.startMs)) {
    if (attempt.startMs < (lastEnd.get(attempt.package) ?? 0)) count += 1;
    lastEnd.set(attempt.package, Math.max(attempt.endMs, lastEnd.get(attempt.package) ?? 0));
  }
  return count;
}

describe("replayLog", () => {
  let connection: DemoConnection;
  beforeEach(async () => {
    connection = await connectToMemory();
  });
  afterEach(() => connection.close());

  it.each([
    [1, 1],
    [8, 1],
    [8, 2],
    [64, 3],
  ])(
    "handles every line once and every package in order with %i workers and seed %i",
    async (workers, seed) => {
      const errors: unknown[] = [];
      const counts: ProgressCounts[] = [];
      const { result, recording } = await replayLog({
        connection,
        lines: head(300),
        workers,
        seed,
        interrupt: never,
        onError: (error) => errors.push(error),
        onProgress: (latest) => counts.push(latest),
      });
      expect(result).toMatchObject({ linesRead: 300, handled: 290, unhandled: 0, interrupted: false });
      expect(result.deadLetters).toEqual([{ reason: reasons.startup, count: 10, firstLine: 1 }]);
      expect(result.order).toMatchObject({
        outOfSequence: 0,
        illegalFromRun: 0,
        illegalFromFile: 0,
        unknown: 0,
      });
      expect(recording.attempts.filter(({ failed }) => failed)).toHaveLength(result.retries);
      expect(recording.count).toBe(290 + result.retries);
      expect(overlaps(recording)).toBe(0);
      expect(new Set(recording.attempts.map(({ worker }) => worker)).size).toBeLessThanOrEqual(workers);
      expect(counts.map(({ settled }) => settled)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
      expect(errors).toEqual([]);
    },
  );

  it("retries the same lines with any number of workers", async () => {
    const failedLines = async (workers: number): Promise<number[]> => {
      const bus = await connectToMemory();
      const options = { connection: bus, lines: head(300), workers, seed: 5, interrupt: never };
      const { recording } = await replayLog(options);
      await bus.close();
      return recording.attempts
        .filter(({ failed }) => failed)
        .map(({ line }) => line)
        .sort((a, b) => a - b);
    };
    const lines = await failedLines(4);
    expect(lines.length).toBeGreaterThan(0);
    expect(await failedLines(32)).toEqual(lines);
  });

  it("sets every malformed line aside with its own reason, and reads them back", async () => {
    const good = log[1] ?? "";
    const text = [
      good,
      "nonsense",
      "",
      log[0],
      `${good}\xff`,
      good.replace("upgrade", "explode"),
      good.slice(0, 50),
    ].join("\n");
    const lines = readLines(bytesOf(text), "The log");
    const { result } = await replayLog({ connection, lines, workers: 8, seed: 1, interrupt: never });
    expect(result).toMatchObject({ linesRead: 7, handled: 2, unhandled: 0 });
    const aside = Object.fromEntries(result.deadLetters.map(({ reason, firstLine }) => [reason, firstLine]));
    expect(aside).toEqual({
      [reasons.time]: 2,
      [reasons.empty]: 3,
      [reasons.startup]: 4,
      [reasons.action]: 6,
      [reasons.truncated]: 7,
    });
  });

  it("tells a log that is out of order from a run that is", async () => {
    const swapped = log.slice(0, 100).map((line, at, all) => (at === 4 ? all[5] : at === 5 ? all[4] : line));
    const lines = readLines(bytesOf(`${swapped.join("\n")}\n`), "The log");
    const { result } = await replayLog({ connection, lines, workers: 8, seed: 1, interrupt: never });
    expect(result.order).toMatchObject({ outOfSequence: 0, illegalFromRun: 0 });
    expect(result.order.illegalFromFile).toBeGreaterThan(0);
  });

  it("drains when it is interrupted, and counts what was left", async () => {
    const controller = new AbortController();
    const { result } = await replayLog({
      connection,
      lines: head(3_000),
      workers: 4,
      seed: 1,
      interrupt: controller.signal,
      onProgress: ({ settled }) => settled === 200 && controller.abort(),
    });
    expect(result.interrupted).toBe(true);
    expect(result.handled).toBeGreaterThan(150);
    expect(result.unhandled).toBeGreaterThan(0);
    const aside = result.deadLetters.reduce((sum, { count }) => sum + count, 0);
    expect(result.handled + aside + result.unhandled).toBe(result.linesRead);
    expect(result.order).toMatchObject({ outOfSequence: 0, illegalFromRun: 0 });
  });

  it("is over at once when it is interrupted before it begins", async () => {
    const { result } = await replayLog({
      connection,
      lines: head(50),
      workers: 4,
      seed: 1,
      interrupt: AbortSignal.abort(),
    });
    expect(result).toMatchObject({ interrupted: true, handled: 0, linesRead: 0 });
  });

  it("rejects with what is wrong with the input, and leaves nothing running", async () => {
    const options = { connection, workers: 4, seed: 1, interrupt: never };
    const empty = replayLog({ ...options, lines: readLines(bytesOf(""), "The log") });
    await expect(empty).rejects.toThrow(new InputError("The log is empty: there is nothing to replay."));
    async function* failing(): AsyncGenerator<RawLine> {
      yield* head(100);
      throw new InputError("The log cannot be read: EIO.");
    }
    await expect(replayLog({ ...options, lines: failing() })).rejects.toThrow("The log cannot be read: EIO.");
  });
});
