/**
 * The mutated source has every mutant at once, each behind a question to `isActive`. So one bundle does for a whole run, and a
 * process that has warmed up goes on to the next mutant.
 */
let active = Number(process.env["TIDELANE_MUTANT"] ?? 0);
let reached: Set<number> | undefined;

/** 0: none. */
export function activate(id: number): void {
  active = id;
}

/** From now on notes which mutants are asked for, into a new set, or into none. */
export function note(into: Set<number> | undefined): void {
  reached = into;
}

export function isActive(id: number): boolean {
  reached?.add(id);
  return id === active;
}
