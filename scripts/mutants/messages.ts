import type { LawName } from "tidelane/conformance";

/** What the player is asked for: one mutant under some laws, in this order, until one of them kills it. */
export interface Assignment {
  /** 0: the sound broker. */
  readonly mutant: number;
  readonly broker: BrokerName;
  readonly laws: readonly LawName[];
  /** Histories for each law, one round after another. */
  readonly rounds: readonly number[];
  readonly seed: number;
}

export type BrokerName = "memory" | "outlet";

export interface Killed {
  /** The law that was played. */
  readonly law: LawName;
  /** The laws that its contradiction breaks; none where a call was never answered, or failed as it must not. */
  readonly breaks: readonly LawName[];
  readonly observed: string;
  /** How many steps the history had that noticed it, unshrunk. */
  readonly steps: number;
}

/** From the player. */
export type Answer =
  /** The order has come. */
  | { readonly kind: "accepted" }
  /** Sent all the time: a player that is silent loops. */
  | { readonly kind: "alive"; readonly law: LawName | undefined }
  | { readonly kind: "killed"; readonly by: Killed }
  | { readonly kind: "survived"; readonly histories: number }
  | { readonly kind: "reached"; readonly by: Readonly<Record<string, readonly number[]>> }
  /** An error outside every call. */
  | { readonly kind: "died"; readonly law: LawName | undefined; readonly error: string };

/** To the player. */
export type Order =
  | { readonly kind: "play"; readonly assignment: Assignment }
  /** Which mutants each law comes past. */
  | { readonly kind: "reach"; readonly broker: BrokerName; readonly runs: number; readonly seed: number };
