import type { Shares } from "./group-view.ts";

/** A member of a group, as far as sharing out partitions goes. */
export interface Claimant {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it had in `generation` of the group, by topic. */
  readonly owned: Readonly<Record<string, readonly number[]>>;
  readonly generation: number;
}

interface Piece {
  readonly topic: string;
  readonly partition: number;
  /** Those who subscribed to its topic. */
  readonly takers: readonly Holder[];
  holder: Holder | undefined;
}

interface Holder {
  readonly claimant: Claimant;
  count: number;
}

/**
 * Shares partitions out so that nobody who could take one from another has two fewer, and every partition stays with the
 * member that had it unless it has to move for that. The same input gives the same shares, in whatever order it comes.
 */
export function balance(
  claimants: readonly Claimant[],
  partitions: ReadonlyMap<string, readonly number[]>,
): Shares {
  const holders = claimants
    .map((claimant) => ({ claimant, count: 0 }))
    .sort((a, b) => (a.claimant.id < b.claimant.id ? -1 : 1));
  const pieces = piecesOf(holders, partitions);
  for (const piece of pieces) take(piece, lastHolder(piece));
  for (const piece of pieces) if (piece.holder === undefined) take(piece, least(piece.takers));
  for (let piece = steepest(pieces); piece !== undefined; piece = steepest(pieces)) {
    take(piece, least(piece.takers));
  }
  return sharesOf(holders, pieces);
}

function piecesOf(holders: readonly Holder[], partitions: ReadonlyMap<string, readonly number[]>): Piece[] {
  return [...partitions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([topic, ids]) => {
      const takers = holders.filter(({ claimant }) => claimant.topics.includes(topic));
      const sorted = [...ids].sort((a, b) => a - b);
      return sorted.map((partition) => ({ topic, partition, takers, holder: undefined }));
    });
}

/** Of those who say that it was theirs, the one who knows the youngest generation. */
function lastHolder({ topic, partition, takers }: Piece): Holder | undefined {
  return takers
    .filter(({ claimant }) => claimant.owned[topic]?.includes(partition))
    .reduce<Holder | undefined>(
      (last, one) => (last && last.claimant.generation >= one.claimant.generation ? last : one),
      undefined,
    );
}

/** The piece whose move evens out most; undefined where none evens out anything. */
function steepest(pieces: readonly Piece[]): Piece | undefined {
  let found: Piece | undefined;
  let most = 1;
  for (const piece of pieces) {
    const step = (piece.holder?.count ?? 0) - (least(piece.takers)?.count ?? 0);
    if (step > most) {
      most = step;
      found = piece;
    }
  }
  return found;
}

function least(takers: readonly Holder[]): Holder | undefined {
  return takers.reduce<Holder | undefined>(
    (least, one) => (least && least.count <= one.count ? least : one),
    undefined,
  );
}

function take(piece: Piece, to: Holder | undefined): void {
  if (to === undefined) return;
  if (piece.holder) piece.holder.count -= 1;
  piece.holder = to;
  to.count += 1;
}

function sharesOf(holders: readonly Holder[], pieces: readonly Piece[]): Shares {
  const shares: Shares = new Map(holders.map(({ claimant }) => [claimant.id, new Map()]));
  for (const { topic, partition, holder } of pieces) {
    const share = holder && shares.get(holder.claimant.id);
    share?.set(topic, [...(share.get(topic) ?? []), partition]);
  }
  return shares;
}
