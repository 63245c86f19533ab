import type { Fixture } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { checkLaw } from "../../conformance/engine/check-law.ts";
import { laws } from "../../conformance/laws/index.ts";
import { examine } from "../../conformance/subject.ts";
import { answerFaults } from "./planted/answer-faults.ts";
import { capabilityFaults } from "./planted/capability-faults.ts";
import { contentFaults } from "./planted/content-faults.ts";
import { faultyFixture } from "./planted/doctored.ts";
import { faults } from "./planted/faults.ts";
import { mixedFaults } from "./planted/mixed-faults.ts";
import { stepFaults } from "./planted/step-faults.ts";
import { surfaceFaults } from "./planted/surface-faults.ts";

/** The most commands a counterexample may take to say. */
const most = 12;

/** Ends a hang, and asserts nothing: nine times what the slowest takes on an idle machine. */
const hangMs = 90_000;

describe("a planted fault is found by the law that names it, in few words", () => {
  for (const fault of [
    ...faults,
    ...capabilityFaults,
    ...contentFaults,
    ...stepFaults,
    ...mixedFaults,
    ...answerFaults,
    ...surfaceFaults,
  ]) {
    it(`${fault.law}: ${fault.defect}`, { timeout: hangMs }, async () => {
      const law = laws.find(({ name }) => name === fault.law);
      if (law === undefined) throw new Error("there is such a law");
      const subject = await examine(faultyFixture(fault) as Fixture);
      const report = await checkLaw(law, subject, { seed: 7, runs: 200, alone: true });
      expect(report.verdict, fault.defect).toBe("fail");
      expect(report.counterexample?.breaks, fault.defect).toContain(fault.law);
      expect(report.counterexample?.history.steps.length).toBeLessThanOrEqual(most);
    });
  }
});
