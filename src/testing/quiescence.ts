import type { Instance } from "../app/instance.ts";
import { nextTurn, sleep, systemClock } from "../traits/clock.ts";
import type { AppRecord } from "./app-record.ts";

/** So many turns of the event loop nothing may happen. One is enough for promises; a source may yield in between. */
const quietTurns = 4;
/** Handlers that wait for real time are looked at less often after so many turns. */
const busyTurns = 200;

/**
 * Resolves when nothing more can happen without the clock: no handler runs, unless it waits for a reply that cannot come
 * either, and nothing was pulled, settled or published for some turns of the event loop.
 */
export async function quiescence(instance: Instance, record: AppRecord, patienceMs: number): Promise<void> {
  const started = systemClock.now();
  let seen = "";
  let quiet = 0;
  for (let turn = 0; quiet < quietTurns; turn += 1) {
    if (turn < busyTurns) await nextTurn();
    else await sleep(systemClock, 1);
    const now = activity(instance, record);
    quiet = now.busy === 0 && now.signature === seen ? quiet + 1 : 0;
    seen = now.signature;
    if (systemClock.now() - started > patienceMs && now.busy > 0) {
      throw new Error(
        `The app is not quiet after ${patienceMs} ms: ${now.busy} handlers have not returned. What happened:\n${record.story()}`,
      );
    }
  }
}

function activity({ runs }: Instance, record: AppRecord): { busy: number; signature: string } {
  let busy = -record.waitingHandlers;
  const counts: number[] = [record.events];
  for (const { stats } of runs) {
    busy += stats.running + stats.settling + stats.continuations;
    counts.push(stats.pulled, stats.inFlight, stats.retries, stats.retrying);
  }
  return { busy: Math.max(0, busy), signature: counts.join() };
}
