import { deferred } from "../traits/deferred.ts";
import { sleep, systemClock } from "../traits/clock.ts";

export async function work(): Promise<void> {}
export class Thing {
  async go(): Promise<void> {}
  maybe(): Promise<void> | void {}
}
export function probe(x: any, t: Thing): void {
  work();
  t.go();
  sleep(systemClock, 3);
  deferred<void>().promise;
  t.maybe();
  new Thing().go();
  [1].forEach(async () => { await work(); });
  if (work()) console.log(x);
}
enum A { B }
console.log(A.B);
