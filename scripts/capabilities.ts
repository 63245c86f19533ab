import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { capabilityTable, type WrittenReport } from "./capability-table.ts";
import { root } from "./entry-points.ts";
import type { MutantReport } from "./mutants/report.ts";

/** The brokers of this repository, in the order of the table. */
export const reportedBrokers = [
  "memory",
  "nats",
  "jetstream",
  "nats-io",
  "rabbitmq",
  "kafka",
  "redis",
] as const;

export const reportsFolder: string = `${root}/docs/reports`;
export const tableFile: string = `${root}/docs/capabilities.md`;

/** What `npm run mutants -- --json docs/reports/mutants.json` wrote, where it did. */
export function readMutants(): MutantReport | undefined {
  const file = `${reportsFolder}/mutants.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

export function readReports(): WrittenReport[] {
  return reportedBrokers.map((broker) => {
    const file = `${reportsFolder}/${broker}.json`;
    if (!existsSync(file)) {
      const present = existsSync(reportsFolder) ? readdirSync(reportsFolder).join(", ") : "nothing";
      throw new Error(
        `There is no ${file} (the folder has ${present}): npm run conformance -- ${broker} --json docs/reports/${broker}.json writes it.`,
      );
    }
    return JSON.parse(readFileSync(file, "utf8"));
  });
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(tableFile, capabilityTable(readReports(), readMutants()));
  console.log(`${tableFile} written`);
}
