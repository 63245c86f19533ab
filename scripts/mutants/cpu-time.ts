import { readFileSync } from "node:fs";

/** Clock ticks a second, in which Linux counts. */
const ticks = 100;

/**
 * The seconds of processor time a process has had, or of the clock where that is not known. A process that waits for a busy
 * machine does not loop.
 */
export function cpuSeconds(pid: number | undefined): number {
  try {
    const [, after = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    const fields = after.split(" ");
    // utime and stime, the 14th and 15th of all; the name before, in parentheses, is the second.
    return (Number(fields[11]) + Number(fields[12])) / ticks;
  } catch {
    return performance.now() / 1000;
  }
}
