import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LawName, lawNames } from "tidelane/conformance";
import { bundleMutants } from "./bundle.ts";
import type { BrokerName } from "./messages.ts";
import type { Mutant } from "./mutant.ts";
import { type Fate, Player } from "./pool.ts";
import { type AsideEntry, asideOf, readAside } from "./set-aside.ts";

export interface HuntOptions {
  readonly seed: number;
  /** Histories for each law before a mutant has survived. */
  readonly runs: number;
  readonly processes: number;
  /** Whether to look first which mutants a law comes past, and leave the others out: for many mutants. @default true */
  readonly reach?: boolean;
  /** Which of all mutants are played. */
  readonly choose: (mutants: readonly Mutant[]) => readonly Mutant[];
  readonly onFate?: (verdict: Verdict, done: number, total: number) => void;
}

export interface Verdict {
  readonly mutant: Mutant;
  readonly aside: AsideEntry | undefined;
  /** "not reached": no law comes past it, or none is asked to. */
  readonly fate: Fate | { readonly kind: "not reached" };
  readonly seconds: number;
}

/** How many histories of each law say what it reaches. */
const reachRuns = 40;
/** The most one mutant may take, in seconds of processor time. */
const limitSeconds = 240;

/** Plays the laws on every chosen mutant until one of them kills it. */
export async function hunt(options: HuntOptions): Promise<readonly Verdict[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidelane-mutants-"));
  const bundle = join(folder, "player.mjs");
  const players = Array.from({ length: options.processes }, () => new Player(bundle, limitSeconds));
  try {
    const mutants = await bundleMutants(bundle);
    const reached = options.reach === false ? undefined : await reach(players, options.seed);
    const chosen = options.choose(mutants);
    return await playAll(players, chosen, reached, options);
  } finally {
    for (const player of players) player.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Reached = Readonly<Record<BrokerName, ReadonlyMap<LawName, ReadonlySet<number>>>>;

async function reach(players: readonly Player[], seed: number): Promise<Reached> {
  const [one, other] = players;
  if (one === undefined) throw new Error("at least one process plays");
  const memory = reachOf(one, "memory", seed);
  // A player answers one order at a time.
  if (other === undefined) await memory;
  const outlet = reachOf(other ?? one, "outlet", seed);
  return { memory: await memory, outlet: await outlet };
}

async function reachOf(
  player: Player,
  broker: BrokerName,
  seed: number,
): Promise<ReadonlyMap<LawName, Set<number>>> {
  const by = await player.reach({ kind: "reach", broker, runs: reachRuns, seed });
  return new Map(Object.entries(by).map(([law, ids]) => [law as LawName, new Set(ids)]));
}

async function playAll(
  players: readonly Player[],
  chosen: readonly Mutant[],
  reached: Reached | undefined,
  options: HuntOptions,
): Promise<readonly Verdict[]> {
  const aside = readAside();
  const kills = new Map<LawName, number>();
  const waiting = [...chosen];
  const verdicts: Verdict[] = [];
  const work = async (player: Player): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const started = performance.now();
      const entry = asideOf(aside, mutant);
      const fate = await playOne(player, mutant, lawsFor(mutant, reached, kills), entry, options);
      if (fate.kind === "killed") kills.set(fate.by.law, (kills.get(fate.by.law) ?? 0) + 1);
      const verdict = { mutant, aside: entry, fate, seconds: (performance.now() - started) / 1000 };
      verdicts.push(verdict);
      options.onFate?.(verdict, verdicts.length, chosen.length);
    }
  };
  await Promise.all(players.map(work));
  return verdicts.sort((a, b) => a.mutant.id - b.mutant.id);
}

async function playOne(
  player: Player,
  mutant: Mutant,
  laws: readonly LawName[],
  entry: AsideEntry | undefined,
  { runs, seed }: HuntOptions,
): Promise<Verdict["fate"]> {
  if (laws.length === 0 || entry?.kind === "beyond the contract") return { kind: "not reached" };
  // An equivalent one is only shown not to die at once: an entry that is wrong is found out.
  const rounds = entry === undefined ? roundsOf(runs) : [5];
  const broker = brokerOf(mutant);
  return player.play({ mutant: mutant.id, broker, laws, rounds, seed }, mutant.atLoad);
}

/** A few histories of every law kill most mutants; the rest is for those that are left. */
function roundsOf(runs: number): readonly number[] {
  const rounds = [5, 35].filter((size) => size < runs);
  return [...rounds, runs - rounds.reduce((sum, size) => sum + size, 0)];
}

function brokerOf({ file }: Mutant): BrokerName {
  return file.startsWith("src/structures/") ? "outlet" : "memory";
}

/** The laws that come past the mutant, those first that have killed most. */
function lawsFor(
  mutant: Mutant,
  reached: Reached | undefined,
  kills: ReadonlyMap<LawName, number>,
): LawName[] {
  const by = reached?.[brokerOf(mutant)];
  const laws = lawNames.filter((law) => by === undefined || mutant.atLoad || by.get(law)?.has(mutant.id));
  return laws.sort((a, b) => (kills.get(b) ?? 0) - (kills.get(a) ?? 0));
}
