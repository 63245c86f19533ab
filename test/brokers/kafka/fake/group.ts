import type { Assigner } from "../../../../src/brokers/kafka/client.ts";
import { type FakeCluster, FakeKafkaError } from "./cluster.ts";

/** What a member brings to a join. */
export interface JoinRequest {
  readonly memberId: string;
  readonly topics: string[];
  readonly assigners: readonly Assigner[];
}

export interface FakeMember {
  readonly id: string;
  generation: number;
  assigned: { [topic: string]: number[] };
}

interface Waiting {
  readonly request: JoinRequest;
  readonly resolve: (member: FakeMember) => void;
  readonly reject: (error: unknown) => void;
}

/** A group on the server, with the eager protocol: everybody joins again, and the leader shares out. */
export class FakeGroup {
  readonly id: string;
  readonly committed: Map<string, number> = new Map();
  readonly metadata: Map<string, string | null> = new Map();
  readonly members: Map<string, FakeMember> = new Map();
  generation = 0;
  /** Commits are refused with it. */
  refusal: Error | undefined = undefined;
  commits = 0;
  /** How many joins come to nothing, as somebody else joins before the assignment. */
  interruptions = 0;
  /** How a sync fails then. */
  interruption = "REBALANCE_IN_PROGRESS";
  leaderId = "";
  readonly #cluster: FakeCluster;
  readonly #waiting = new Map<string, Waiting>();
  #preparing = false;
  #ids = 0;

  constructor(cluster: FakeCluster, id: string) {
    this.#cluster = cluster;
    this.id = id;
  }

  newMemberId(): string {
    this.#ids += 1;
    return `${this.id}-${this.#ids}`;
  }

  get preparing(): boolean {
    return this.#preparing;
  }

  /** Everybody has to join again. */
  rebalance(): void {
    this.#preparing = true;
    this.#cluster.wake();
    this.#tryComplete();
  }

  async join(request: JoinRequest): Promise<FakeMember> {
    this.#cluster.check();
    this.members.set(request.memberId, { id: request.memberId, generation: -1, assigned: {} });
    const joined = new Promise<FakeMember>((resolve, reject) => {
      this.#waiting.set(request.memberId, { request, resolve, reject });
    });
    this.rebalance();
    return joined;
  }

  leave(memberId: string): void {
    if (!this.members.delete(memberId)) return;
    this.#waiting.delete(memberId);
    if (this.members.size > 0) this.rebalance();
    else this.generation += 1;
  }

  /** As when its session has timed out. */
  expel(memberId: string): void {
    this.#waiting.get(memberId)?.reject(new FakeKafkaError("UNKNOWN_MEMBER_ID"));
    this.leave(memberId);
    this.#cluster.wake();
  }

  /** Throws what the server answers to a member of that generation. */
  check(memberId: string, generation: number): void {
    this.#cluster.check();
    if (!this.members.has(memberId)) throw new FakeKafkaError("UNKNOWN_MEMBER_ID");
    if (generation !== this.generation) throw new FakeKafkaError("ILLEGAL_GENERATION");
  }

  commit(
    memberId: string,
    generation: number,
    offsets: { key: string; offset: number; metadata: string | null }[],
  ): void {
    this.check(memberId, generation);
    if (this.refusal) throw this.refusal;
    this.commits += 1;
    for (const { key, offset, metadata } of offsets) {
      this.committed.set(key, offset);
      this.metadata.set(key, metadata);
    }
  }

  #tryComplete(): void {
    if (this.#waiting.size === 0 || [...this.members.keys()].some((id) => !this.#waiting.has(id))) return;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#preparing = false;
    this.generation += 1;
    this.leaderId = waiting[0]?.request.memberId ?? "";
    void this.#share(waiting);
  }

  async #share(waiting: readonly Waiting[]): Promise<void> {
    const names = waiting[0]?.request.assigners.map(({ name }) => name) ?? [];
    const protocol = names.find((name) =>
      waiting.every(({ request }) => request.assigners.some((one) => one.name === name)),
    );
    const leader = waiting[0]?.request.assigners.find(({ name }) => name === protocol);
    if (leader === undefined) throw new Error("the members have no assigner in common");
    const members = waiting.map(({ request }) => {
      const assigner = request.assigners.find(({ name }) => name === protocol);
      const { metadata } = assigner?.protocol({ topics: request.topics }) ?? { metadata: Buffer.alloc(0) };
      return { memberId: request.memberId, memberMetadata: metadata };
    });
    const topics = [...new Set(waiting.flatMap(({ request }) => request.topics))];
    const shares = await leader.assign({ members, topics });
    for (const { request, resolve } of waiting) {
      const member = this.members.get(request.memberId);
      if (member === undefined) continue;
      const share = shares.find(({ memberId }) => memberId === request.memberId)?.memberAssignment;
      member.generation = this.generation;
      member.assigned = share ? JSON.parse(share.toString()).assignment : {};
      resolve(member);
    }
  }
}
