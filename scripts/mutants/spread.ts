/** So many of them, evenly spread: the same ones every time. */
export function spread<T>(all: readonly T[], count: number): readonly T[] {
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, index) => Math.floor((index * all.length) / count)).flatMap(
    (index) => all.slice(index, index + 1),
  );
}
