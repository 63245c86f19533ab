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
  /** After so many minutes those that are left get no more histories. @default no limit */
  readonly minutes?: number;
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
  /** It survived, and there was no time for all histories. */
  readonly unfinished: boolean;
}

/** How many histories of each law say what it reaches. */
const reachRuns = 40;
/** The most one mutant may take, in seconds of processor time. */
const limitSeconds = 240;

/** A few histories of every law kill most mutants; the rest is for those that are left. */
const quickRounds = [5, 35];

/** Plays the laws on every chosen mutant until one of them kills it. */
export async function hunt(options: HuntOptions): Promise<readonly Verdict[]> {
  const { seed, runs, minutes = Number.POSITIVE_INFINITY } = options;
  const until = performance.now() + minutes * 60_000;
  const folder = mkdtempSync(join(tmpdir(), "tidelane-mutants-"));
  const bundle = join(folder, "player.mjs");
  const players = Array.from({ length: options.processes }, () => new Player(bundle, limitSeconds));
  try {
    const mutants = await bundleMutants(bundle);
    const reached = options.reach === false ? undefined : await reach(players, seed);
    const part = { reached, kills: new Map<LawName, number>(), aside: readAside(), onFate: options.onFate };
    const quick = quickRounds.filter((size) => size < runs);
    const rest = runs - quick.reduce((sum, size) => sum + size, 0);
    const first = await playAll(players, options.choose(mutants), { ...part, rounds: quick, seed });
    const left = first.filter(({ fate, aside }) => fate.kind === "survived" && aside === undefined);
    const again = { ...part, rounds: [rest], seed: seed + quick.length, until };
    const last = await playAll(
      players,
      left.map(({ mutant }) => mutant),
      again,
    );
    return first.map((verdict) => {
      const later = last.find(({ mutant }) => mutant === verdict.mutant);
      return later ?? { ...verdict, unfinished: left.includes(verdict) };
    });
  } finally {
    for (const player of players) player.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rounds of histories for some mutants. */
interface Part {
  readonly rounds: readonly number[];
  readonly seed: number;
  /** Nothing begins after it. */
  readonly until?: number;
  readonly reached: Reached | undefined;
  /** How many each law has killed. */
  readonly kills: Map<LawName, number>;
  readonly aside: readonly AsideEntry[];
  readonly onFate: HuntOptions["onFate"];
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
  part: Part,
): Promise<readonly Verdict[]> {
  const { kills, until = Number.POSITIVE_INFINITY } = part;
  const waiting = [...chosen];
  const verdicts: Verdict[] = [];
  const work = async (player: Player): Promise<void> => {
    while (performance.now() < until) {
      const mutant = waiting.shift();
      if (mutant === undefined) return;
      const started = performance.now();
      const entry = asideOf(part.aside, mutant);
      const fate = await playOne(player, mutant, entry, part);
      if (fate.kind === "killed") kills.set(fate.by.law, (kills.get(fate.by.law) ?? 0) + 1);
      const seconds = (performance.now() - started) / 1000;
      const verdict = { mutant, aside: entry, fate, seconds, unfinished: false };
      verdicts.push(verdict);
      part.onFate?.(verdict, verdicts.length, chosen.length);
    }
  };
  await Promise.all(players.map(work));
  return verdicts.sort((a, b) => a.mutant.id - b.mutant.id);
}

async function playOne(
  player: Player,
  mutant: Mutant,
  entry: AsideEntry | undefined,
  { reached, kills, rounds, seed }: Part,
): Promise<Verdict["fate"]> {
  const laws = lawsFor(mutant, reached, kills);
  if (laws.length === 0 || entry?.kind === "beyond the contract") return { kind: "not reached" };
  // An equivalent one is only shown not to die at once: an entry that is wrong is found out.
  const wanted = entry === undefined ? rounds : rounds.slice(0, 1);
  const broker = brokerOf(mutant);
  return player.play({ mutant: mutant.id, broker, laws, rounds: wanted, seed }, mutant.atLoad);
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
