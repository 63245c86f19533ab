import type { GroupAssignment } from "./group-subscription.ts";

/** A member of a group, as far as sharing out partitions goes. */
export interface StickyMember {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it had in `generation` of the group, by topic. */
  readonly owned: Readonly<Record<string, readonly number[]>>;
  readonly generation: number;
}

interface AssignablePartition {
  readonly topic: string;
  readonly partition: number;
  /** Those who subscribed to its topic. */
  readonly takers: readonly Candidate[];
  holder: Candidate | undefined;
}

interface Candidate {
  readonly member: StickyMember;
  count: number;
}

/**
 * Assigns partitions so that nobody who could take one from another has two fewer, and every partition stays with the
 * member that had it unless it has to move for that. The same input gives the same shares, in whatever order it comes.
 */
export function balance(
  members: readonly StickyMember[],
  partitions: ReadonlyMap<string, readonly number[]>,
): GroupAssignment {
  const candidates = members
    .map((member) => ({ member, count: 0 }))
    .sort((a, b) => (a.member.id < b.member.id ? -1 : 1));
  const pieces = piecesOf(candidates, partitions);
  for (const piece of pieces) take(piece, lastHolder(piece));
  for (const piece of pieces) if (piece.holder === undefined) take(piece, least(piece.takers));
  for (let piece = steepest(pieces); piece !== undefined; piece = steepest(pieces)) {
    take(piece, least(piece.takers));
  }
  return assignmentOf(candidates, pieces);
}

function piecesOf(
  candidates: readonly Candidate[],
  partitions: ReadonlyMap<string, readonly number[]>,
): AssignablePartition[] {
  return [...partitions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([topic, ids]) => {
      const takers = candidates.filter(({ member }) => member.topics.includes(topic));
      const sorted = [...ids].sort((a, b) => a - b);
      return sorted.map((partition) => ({ topic, partition, takers, holder: undefined }));
    });
}

/** Of those who say that it was theirs, the one who knows the youngest generation. */
function lastHolder({ topic, partition, takers }: AssignablePartition): Candidate | undefined {
  return takers
    .filter(({ member }) => member.owned[topic]?.includes(partition))
    .reduce<Candidate | undefined>(
      (last, one) => (last && last.member.generation >= one.member.generation ? last : one),
      undefined,
    );
}

/** The piece whose move evens out most; undefined where none evens out anything. */
function steepest(pieces: readonly AssignablePartition[]): AssignablePartition | undefined {
  let found: AssignablePartition | undefined;
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

function least(takers: readonly Candidate[]): Candidate | undefined {
  return takers.reduce<Candidate | undefined>(
    (least, one) => (least && least.count <= one.count ? least : one),
    undefined,
  );
}

function take(piece: AssignablePartition, to: Candidate | undefined): void {
  if (to === undefined) return;
  if (piece.holder) piece.holder.count -= 1;
  piece.holder = to;
  to.count += 1;
}

function assignmentOf(
  candidates: readonly Candidate[],
  pieces: readonly AssignablePartition[],
): GroupAssignment {
  const shares: GroupAssignment = new Map(candidates.map(({ member }) => [member.id, new Map()]));
  for (const { topic, partition, holder } of pieces) {
    const share = holder && shares.get(holder.member.id);
    share?.set(topic, [...(share.get(topic) ?? []), partition]);
  }
  return shares;
}
