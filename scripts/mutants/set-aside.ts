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
  readonly kind: Aside;
  readonly reason: string;
  /** Names of mutants; one that ends with `*` stands for all that begin so. */
  readonly mutants: readonly string[];
}

const asideFile = `${root}/scripts/mutants/set-aside.json`;

export function readAside(): readonly AsideEntry[] {
  return JSON.parse(readFileSync(asideFile, "utf8"));
}

function isMeant(by: string, name: string): boolean {
  return by.endsWith("*") ? name.startsWith(by.slice(0, -1)) : name === by;
}

export function asideOf(entries: readonly AsideEntry[], mutant: Mutant): AsideEntry | undefined {
  return entries.find(({ mutants }) => mutants.some((by) => isMeant(by, mutant.name)));
}

/** What stands for no mutant any more. */
export function stale(entries: readonly AsideEntry[], mutants: readonly Mutant[]): readonly string[] {
  const all = entries.flatMap((entry) => entry.mutants);
  return all.filter((by) => !mutants.some(({ name }) => isMeant(by, name)));
}
