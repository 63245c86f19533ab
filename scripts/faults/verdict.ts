import type { Findings } from "./ledger.ts";

export interface Expectations {
  readonly messages: number;
  readonly mostRepeats: number;
  /** See `FaultPlugIn`. */
  readonly storesOnce: boolean;
  /** Set when the round was given up because nothing moved: for how long, and what the consumers do. */
  readonly hangs: string | undefined;
}

/** What is not as it should be, a sentence each. */
export function violationsOf(findings: Findings, expected: Expectations): string[] {
  const { confirmed, lost, outOfOrder, invented, repeats, copies } = findings;
  const { messages, mostRepeats, storesOnce, hangs } = expected;
  const said: string[] = [];
  if (hangs !== undefined) said.push(`It hangs: nothing was confirmed or handled ${hangs}.`);
  if (confirmed < messages) said.push(`Only ${confirmed} of ${messages} messages were confirmed.`);
  if (lost.length > 0) said.push(`${lost.length} were lost: ${some(lost)}.`);
  if (outOfOrder.length > 0) said.push(`${outOfOrder.length} came out of order: ${some(outOfOrder)}.`);
  if (invented.length > 0) said.push(`${invented.length} were never published: ${some(invented)}.`);
  if (repeats > mostRepeats)
    said.push(`${repeats} were handled again, and ${mostRepeats} at most were in flight at the faults.`);
  if (storesOnce && copies > 0)
    said.push(`${copies} were stored twice, though publishing them again should not have done that.`);
  return said;
}

function some(names: readonly string[]): string {
  return names.length <= 8 ? names.join(", ") : `${names.slice(0, 8).join(", ")}, ...`;
}
