import type { Tree } from "./build.ts";

/** What the loops of one contest have in common: the same work, done in several ways. */
export interface Contest {
  /** Unique in the suite; names its rows in the JSON. */
  readonly name: string;
  readonly title: string;
  readonly work: Work;
  /** The first is what the others are held against, unless they say otherwise. */
  readonly loops: readonly [LoopSpec, ...LoopSpec[]];
}

export type Work =
  /** Bursts made and worked off in the process of the loop; the working off is measured. */
  | {
      readonly kind: "burst";
      readonly size: number;
      readonly partner?: PartnerSpec;
      readonly address?: string;
    }
  /** Messages of a publisher in a process of its own, to a consumer that was attached before. */
  | {
      readonly kind: "stream";
      readonly publisher: PartnerSpec;
      readonly address: string;
      readonly first: number;
    }
  /** One log, written before the first round and read from its start in every one. `rate`: for so many a second. */
  | { readonly kind: "log"; readonly publisher: PartnerSpec; readonly address: string; readonly rate: number }
  /** A process of its own for each sample, which tells what it took. */
  | { readonly kind: "start" };

/** A function in a module under `bench/`, and what it is called with. */
export interface ModuleSpec {
  /** Of the built tree, as `loops/memory.js`; of the peers, as `peers/nest.js`. */
  readonly module: string;
  readonly make: string;
  readonly parameters?: Parameters;
}

export type Parameters = Readonly<Record<string, string | number | boolean>>;

export interface LoopSpec extends ModuleSpec {
  readonly name: string;
  readonly label: string;
  /** What it is held against, by name. @default the first of the contest, without a figure to reach */
  readonly against?: readonly Rival[];
  /** Of the library. @default "this" */
  readonly tree?: Tree;
  /** Of a start: the milliseconds it may take. */
  readonly atMostMs?: number;
}

export interface Rival {
  readonly loop: string;
  /** The ratio of medians to reach. */
  readonly atLeast?: number;
}

/** The other process of a loop: it publishes, or it answers. */
export type PartnerSpec = ModuleSpec;

/** Told by a loop for every message; it throws on one that is out of order or comes twice. */
export interface Tally {
  take(sequence: number): void;
  /** Resolves when all have been taken. */
  readonly done: Promise<void>;
  readonly count: number;
}

export interface LoopContext {
  readonly parameters: Parameters;
  /** Of the server; empty in process. */
  readonly address: string;
}

export interface BurstLoop {
  /** Not measured. */
  fill(count: number): Promise<void>;
  /** Measured. Resolves when all of the burst is taken, and settled. */
  drain(tally: Tally): Promise<void>;
  close(): Promise<void>;
  /** How messages may overtake each other. @default 1 */
  readonly lanes?: Lanes;
}

export interface StreamLoop {
  /** Resolves when what is published to `name` from now on is delivered here. The result ends it. */
  attach(name: string, tally: Tally): Promise<() => Promise<void>>;
  close(): Promise<void>;
  readonly lanes?: Lanes;
}

/** A number `n`: what has the same sequence modulo `n` stays in order. "any": no order, each once. */
export type Lanes = number | "any";

export interface Publisher {
  /** Resolves when the client has taken messages `from` (included) to `to` (excluded). */
  send(name: string, from: number, to: number): Promise<void>;
  close(): Promise<void>;
}

/** One measured round of one loop. */
export interface Sample {
  readonly messages: number;
  readonly wallMs: number;
  /** Of the whole process, its collector and compiler included. */
  readonly cpuMs: number;
  /** Share of the time in which the event loop was not waiting, 0 to 1. */
  readonly utilisation: number;
}
