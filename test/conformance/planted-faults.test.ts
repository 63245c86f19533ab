import { runConformance } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { capabilityFaults } from "./planted/capability-faults.ts";
import { faultyFixture } from "./planted/doctored.ts";
import { faults } from "./planted/faults.ts";

/** The most commands a counterexample may take to say. */
const most = 12;

describe("a planted fault is found by the law that names it, in few words", () => {
  for (const fault of [...faults, ...capabilityFaults]) {
    it.concurrent(`${fault.law}: ${fault.defect}`, { timeout: 60_000 }, async () => {
      const report = await runConformance(faultyFixture(fault), { laws: [fault.law], seed: 7 });
      const [law] = report.laws;
      expect(law?.verdict, fault.defect).toBe("fail");
      expect(law?.counterexample?.history.steps.length).toBeLessThanOrEqual(most);
    });
  }
});
