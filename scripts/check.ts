import { checks } from "./checks.ts";
import { runSteps } from "./steps.ts";

/** `npm run check`: everything about the sources that can be said without running them. */
const failed = await runSteps(checks);
if (failed.length > 0) {
  console.log(`${failed.length} of ${checks.length} checks failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
