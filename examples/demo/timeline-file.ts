import { open, stat, writeFile } from "node:fs/promises";
import type { Recording } from "./recording.ts";
import type { Theme } from "./timeline-panel.ts";
import { drawTimeline } from "./timeline-svg.ts";

/** The timeline cannot be written. The message is one sentence. */
export class OutputError extends Error {}

/**
 * Finds out before the run whether the timeline can be written after it; leaves an empty file where there was none.
 * Throws `OutputError`, also when `path` is the log that is about to be read.
 */
export async function checkWritable(path: string, input: string): Promise<void> {
  await orOutputError(path, async () => {
    const file = await open(path, "a");
    try {
      const [target, source] = await Promise.all([file.stat(), stat(input).catch(() => undefined)]);
      if (target.isFile() && target.ino === source?.ino && target.dev === source.dev) {
        throw new OutputError(`${JSON.stringify(path)} is the log itself: --svg would overwrite it.`);
      }
    } finally {
      await file.close();
    }
  });
}

export async function writeTimeline(
  path: string,
  theme: Theme,
  run: { readonly title: string; readonly workers: number; readonly recording: Recording },
): Promise<void> {
  const { title, workers, recording } = run;
  const { attempts, count } = recording;
  await orOutputError(path, () => writeFile(path, drawTimeline({ title, workers, attempts, count }, theme)));
}

async function orOutputError(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof OutputError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new OutputError(`The timeline cannot be written to ${JSON.stringify(path)}: ${why}.`, {
      cause: error,
    });
  }
}
