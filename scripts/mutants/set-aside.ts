import { readFileSync } from "node:fs";
import { root } from "../entry-points.ts";
import type { Mutant } from "./mutant.ts";

/** Why a mutant need not be killed by a law. */
export type Aside =
  /** Nobody can tell it from the original. */
  | "equivalent"
  /** It changes what the contract has no word for, and no fixture can ask of: an option of this broker alone. */
  | "beyond the contract";

export interface AsideEntry {
  /** A name of a mutant, or how the names of several begin, followed by `*`. */
  readonly mutant: string;
  readonly kind: Aside;
  readonly reason: string;
}

export const asideFile: string = `${root}/scripts/mutants/set-aside.json`;

export function readAside(): readonly AsideEntry[] {
  return JSON.parse(readFileSync(asideFile, "utf8"));
}

export function isEntryOf({ mutant }: AsideEntry, name: string): boolean {
  return mutant.endsWith("*") ? name.startsWith(mutant.slice(0, -1)) : name === mutant;
}

export function asideOf(entries: readonly AsideEntry[], mutant: Mutant): AsideEntry | undefined {
  return entries.find((entry) => isEntryOf(entry, mutant.name));
}

/** Entries that stand for no mutant any more. */
export function stale(entries: readonly AsideEntry[], mutants: readonly Mutant[]): readonly AsideEntry[] {
  return entries.filter((entry) => !mutants.some(({ name }) => isEntryOf(entry, name)));
}
