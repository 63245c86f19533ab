import { nextTurn } from "../traits/clock.ts";
import { warn } from "./report.ts";
import type { LeftDelivery } from "./run.ts";

/** The warning is written at the end of this turn. */
export async function exitNextTurn(): Promise<void> {
  await nextTurn();
  process.exit(1);
}

/** Says which handlers have not returned. Whether there are any. */
export function nameLeft(left: readonly LeftDelivery[]): boolean {
  const names = left
    .filter(({ state }) => state === "running")
    .map(
      ({ topic, key, attempt }) =>
        `"${topic}" (${key === undefined ? "" : `key "${key}", `}attempt ${attempt})`,
    );
  if (names.length === 0) return false;
  warn(
    `${names.length} handlers have not returned: ${names.slice(0, 5).join(", ")}. They may keep the process alive: heed context.signal, or pass exitOnStop to app.run().`,
  );
  return true;
}
