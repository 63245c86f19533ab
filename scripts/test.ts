import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checks } from "./checks.ts";
import { run, runSteps } from "./steps.ts";

/** The vitest projects of vitest.config.ts, in the order they run. */
const projects = ["unit", "slow", "package", "live"];

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The totals vitest's JSON reporter writes. */
interface Totals {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

const folder = mkdtempSync(join(tmpdir(), "tidelane-test-"));

async function runProject(project: string): Promise<Count> {
  const file = join(folder, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const vitest = ["run", "--project", project, "--passWithNoTests", ...reporters];
  const { code } = await run(["vitest", ...vitest], { live: true });
  const totals = readTotals(file);
  const failed = totals?.numFailedTests ?? 0;
  return {
    passed: totals?.numPassedTests ?? 0,
    // A file that does not load, or an error outside any test, fails the run and no test.
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: totals ? totals.numPendingTests + totals.numTodoTests : 0,
  };
}

function readTotals(file: string): Totals | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** `npm test`: every check, then every test. The last line is the sum; a check that fails counts as one failure. */
async function main(): Promise<number> {
  const failedChecks = await runSteps(checks);
  const lines = [`checks   ${checks.length - failedChecks.length} passed, ${failedChecks.length} failed`];
  let passed = 0;
  let failed = failedChecks.length;
  for (const project of projects) {
    const count = await runProject(project);
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
    lines.push(`${project.padEnd(7)}  ${count.passed} passed, ${count.failed} failed${skipped}`);
    passed += count.passed;
    failed += count.failed + (process.env["CI"] === "true" ? count.skipped : 0);
  }
  console.log(`${lines.join("\n")}\n${passed} passed, ${failed} failed`);
  return failed;
}

try {
  process.exitCode = (await main()) > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
