const pattern = /^(\d{1,20})-(\d{1,20})$/;
const largest = 2n ** 64n - 1n;

/** Negative where `a` stands before `b` in their stream. */
export function compareIds(a: string, b: string): number {
  const [aTime, aNumber] = partsOf(a);
  const [bTime, bNumber] = partsOf(b);
  if (aTime !== bTime) return aTime < bTime ? -1 : 1;
  if (aNumber === bNumber) return 0;
  return aNumber < bNumber ? -1 : 1;
}

/** The largest id before this one. */
export function idBefore(id: string): string {
  const [time, number] = partsOf(id);
  if (number > 0n) return `${time}-${number - 1n}`;
  return time > 0n ? `${time - 1n}-${largest}` : "0-0";
}

function partsOf(id: string): readonly [time: bigint, number: bigint] {
  const parts = pattern.exec(id);
  return [BigInt(parts?.[1] ?? 0), BigInt(parts?.[2] ?? 0)];
}
