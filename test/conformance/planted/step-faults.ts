import { batchFaults } from "./batch-faults.ts";
import type { Fault } from "./doctored.ts";
import { requestFaults } from "./request-faults.ts";
import { seekFaults } from "./seek-faults.ts";
import { transactionFaults } from "./transaction-faults.ts";

/** Defects that show only where batches, seeks, transactions and requests meet something else. */
export const stepFaults: readonly Fault[] = [
  ...batchFaults,
  ...seekFaults,
  ...transactionFaults,
  ...requestFaults,
];
