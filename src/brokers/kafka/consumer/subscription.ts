import { Outlet } from "../../../structures/outlet.ts";
import { sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { NotSupportedError, SubscriptionFailedError } from "../../../traits/errors.ts";
import { Backoff } from "../../shared/backoff.ts";
import { reportError } from "../../shared/error-report.ts";
import { within } from "../../shared/within.ts";
import type { CreateAssigner, EachBatchPayload } from "../client.ts";
import { type Fault, faultOf } from "../errors.ts";
import { deliveries, type KafkaMessage } from "../message/message.ts";
import type { CheckedSubscribeOptions } from "../options/subscription.ts";
import type { Cluster } from "../topology/cluster.ts";
import type { Ownership } from "./assigners/sticky-assigner.ts";
import { DeliveryCounts } from "./delivery-counts.ts";
import { Generation } from "./group/generation.ts";
import { Member, type MemberEvents } from "./group/member.ts";
import { Positions } from "./offsets/positions.ts";

export interface SubscriptionContext {
  readonly cluster: Cluster;
  readonly options: CheckedSubscribeOptions;
  /** The topic, the topics or the pattern, for people. */
  readonly name: string;
  /** The group on the server: the one asked for, or one for this subscription alone. */
  readonly groupId: string;
  /** What to offer the group, best first, for a member that has such partitions already. */
  readonly assigners: (owned: () => Ownership) => readonly [CreateAssigner, ...CreateAssigner[]];
  /** The topics there are to subscribe to. Rejects where one is missing. */
  readonly topics: (over: () => boolean) => Promise<readonly string[]>;
  /** How often to look for new ones; undefined where there cannot be. */
  readonly refreshMs: number | undefined;
  /** It is over; nothing has to be done about it any more. */
  readonly ended: () => void;
}

/** Members that may crash one after another, without one that gets to work, before an unknown error counts as final. */
const attemptsOfUnknown = 10;

/**
 * Keeps one member of a group at work. It replaces a member that crashes, after a pause that grows with every attempt. An error
 * that no retry can cure ends the subscription.
 */
export class Subscription implements MemberEvents {
  readonly outlet: Outlet<KafkaMessage>;
  readonly positions: Positions;
  readonly #context: SubscriptionContext;
  readonly #counts = new DeliveryCounts();
  readonly #ended = new AbortController();
  #closing: Promise<void> | undefined = undefined;
  #member: Member | undefined = undefined;
  #generation: Generation | undefined = undefined;
  /** Of the member that starts: resolved when it works, rejected when it crashes before. */
  #working: Deferred<void> = owned();
  /** Whether a member is being started or replaced. */
  #recovering = true;
  /** Calls that wait for a generation. */
  readonly #waiting: Deferred<Generation>[] = [];
  #topics: readonly string[] = [];
  /** Whether the topics were looked at as they were before the first member. */
  #remembered = false;
  #paused = false;

  constructor(context: SubscriptionContext) {
    const { cluster, options, name } = context;
    this.#context = context;
    this.positions = new Positions(cluster.admin, options.group, options.from);
    this.outlet = new Outlet(name, { take: (max) => this.#generation?.take(max) ?? [] });
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The current generation; undefined between two. */
  get generation(): Generation | undefined {
    return this.#generation?.open && this.#generation.started ? this.#generation : undefined;
  }

  /** The current generation, or the next. Rejects with `SubscriptionFailedError` when there will be none. */
  awaitGeneration(): Promise<Generation> {
    if (this.over) return Promise.reject(this.#closedError());
    if (this.generation) return Promise.resolve(this.generation);
    const call = deferred<Generation>();
    this.#waiting.push(call);
    return call.promise;
  }

  /** The server gives no answer that a seek could go by. The subscription stays where it is. */
  seekFailed(error: unknown): NotSupportedError {
    const { name, cluster } = this.#context;
    const { reason, cause } = faultOf(error, cluster.secrets);
    return new NotSupportedError({ capability: `seek() of "${name}"`, reason, cause });
  }

  /** Resolves when the subscription is live. Rejects with `SubscriptionFailedError` when it does not come to that. */
  async open(): Promise<void> {
    const { cluster, options, name, refreshMs } = this.#context;
    const deadline = cluster.clock.now() + options.openTimeoutMs;
    const backoff = new Backoff(cluster.reconnect);
    let failure = await this.#tryStart();
    while (failure?.outage && !this.over && cluster.clock.now() < deadline) {
      await this.#sleep(backoff.next());
      failure = await this.#tryStart();
    }
    if (failure || this.over) {
      const { reason, cause } = failure ?? { reason: "it was closed while it opened", cause: undefined };
      await this.close("it did not open");
      throw new SubscriptionFailedError({ topic: name, reason, cause });
    }
    this.#recovering = false;
    if (refreshMs !== undefined) void this.#refresh(refreshMs);
  }

  pause(): void {
    this.#paused = true;
    this.#generation?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#generation?.resume();
  }

  untake(messages: readonly KafkaMessage[]): void {
    for (const message of messages) this.#generation?.assignment.untake(message);
  }

  isLive(message: KafkaMessage): boolean {
    return deliveries.recordOf(message).message === message;
  }

  /** What is unsettled is revoked, what was settled is committed. Bounded in time; never rejects. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason, undefined);
    return this.#closing;
  }

  // ---- what members tell

  async joining(member: Member): Promise<void> {
    if (member === this.#member) await this.#generation?.prepareRebalance();
  }

  joined(member: Member, assigned: Readonly<Record<string, readonly number[]>>): void {
    if (member !== this.#member || this.over) return;
    const { cluster, options } = this.#context;
    const before = this.#generation?.continues(member) ? this.#generation : undefined;
    if (before === undefined) this.#generation?.end("the group moved its partitions");
    const generation: Generation = new Generation(
      {
        cluster,
        options,
        member,
        counts: this.#counts,
        positions: this.positions,
        available: () => this.outlet.serve(),
        removed: () => {
          if (this.#generation === generation)
            generation.end("the group no longer counts this process as a member");
        },
      },
      assigned,
      this.#paused,
      before,
    );
    before?.end("the group moved its partition");
    this.#generation = generation;
    void this.#startGeneration(generation);
  }

  async batch(member: Member, payload: EachBatchPayload): Promise<void> {
    if (member === this.#member) await this.#generation?.batch(payload);
  }

  skipped(topic: string, partition: number, first: number | undefined, end: number): void {
    this.#generation?.skipped(topic, partition, first, end);
  }

  crashed(member: Member, error: unknown): void {
    if (member !== this.#member || this.over) return;
    this.#working.reject(error);
    if (this.#recovering) return;
    this.#recovering = true;
    void this.#recover(error);
  }

  // ---- members come and go

  async #tryStart(): Promise<Fault | undefined> {
    try {
      await this.#startMember();
      return undefined;
    } catch (error) {
      return faultOf(error, this.#context.cluster.secrets);
    }
  }

  /** Rejects with an error of kafkajs when the new member does not get to work. */
  async #startMember(): Promise<void> {
    const { cluster, options, groupId, assigners, topics } = this.#context;
    // What the server does not answer now is for the next attempt of the whole.
    this.#topics = await topics(once);
    if (!this.#remembered) await this.positions.remember(this.#topics, once);
    this.#remembered = true;
    if (this.over) return;
    const config = { ...options.member, groupId, allowAutoTopicCreation: false };
    const offered = assigners(() => this.#generation?.ownership ?? nothingOwned);
    const member = new Member(cluster.createClient(), config, offered, this);
    this.#member = member;
    this.#working = owned();
    const working = this.#working;
    member.start(this.#topics).catch((error: unknown) => working.reject(error));
    void this.#watch(member);
    try {
      await working.promise;
    } catch (error) {
      await this.#stopMember(member);
      throw error;
    }
  }

  async #startGeneration(generation: Generation): Promise<void> {
    try {
      const remembered = await generation.start();
      if (!generation.open) return;
      if (remembered) this.#working.resolve();
      for (const call of this.#waiting.splice(0)) call.resolve(generation);
    } catch (error) {
      if (generation.open) this.crashed(generation.member, error);
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { cluster } = this.#context;
    const backoff = new Backoff(cluster.reconnect);
    let failure: Fault | undefined = faultOf(error, cluster.secrets);
    if (this.#member) await this.#stopMember(this.#member);
    while (failure && !this.over) {
      if (failure.final || (!failure.outage && backoff.attempts >= attemptsOfUnknown)) {
        this.#fail(failure);
        return;
      }
      this.#report(failure, backoff.attempts + 1);
      await this.#sleep(backoff.next());
      if (!this.over) failure = await this.#tryStart();
    }
    if (this.over) return;
    this.#recovering = false;
    cluster.outages.restored(this, backoff.attempts);
  }

  /** Only an outage is a lost connection. */
  #report({ outage, cause }: Fault, attempt: number): void {
    const { cluster, name } = this.#context;
    if (outage) cluster.outages.lost(this, attempt, cause);
    else reportError({ topic: name, error: cause });
  }

  /** Revokes what the member has out and makes it leave the group. Waits for that no longer than `closeTimeoutMs`. */
  async #stopMember(member: Member): Promise<void> {
    member.retire();
    this.#member = undefined;
    this.#generation?.end("its consumer was lost");
    this.#generation = undefined;
    await within(this.#context.cluster.clock, this.#context.cluster.closeTimeoutMs, member.leave());
  }

  #fail({ reason, cause }: Fault): void {
    const error = new SubscriptionFailedError({ topic: this.#context.name, reason, cause });
    this.#closing ??= this.#close(reason, { error });
  }

  #closedError(): SubscriptionFailedError {
    return new SubscriptionFailedError({ topic: this.#context.name, reason: "it is closed" });
  }

  async #close(reason: string, failure: { readonly error: unknown } | undefined): Promise<void> {
    const { cluster } = this.#context;
    this.#ended.abort();
    cluster.outages.forget(this);
    const generation = this.#generation;
    const member = this.#member;
    this.#generation = undefined;
    this.#member = undefined;
    this.#working.reject(new Error("The subscription is closed."));
    this.outlet.end(failure);
    for (const call of this.#waiting.splice(0)) call.reject(this.#closedError());
    generation?.end(reason);
    member?.retire();
    const left = async (): Promise<void> => {
      await generation?.flush();
      await member?.leave();
    };
    await within(cluster.clock, cluster.closeTimeoutMs, left());
    this.#context.ended();
  }

  /** A member that does nothing for longer than anything it does may take has crashed without a word. */
  async #watch(member: Member): Promise<void> {
    const { sessionTimeout, rebalanceTimeout } = this.#context.options.member;
    const limitMs = sessionTimeout + 2 * rebalanceTimeout;
    for (let seen = -1; seen !== member.activity; ) {
      seen = member.activity;
      await sleep(this.#context.cluster.clock, limitMs, member.retired).catch(() => undefined);
      if (member.retired.aborted) return;
    }
    this.crashed(member, new Error(`kafkajs has done nothing for ${limitMs} ms`));
  }

  /** Leaves the group and joins again when there are topics that were not there before. */
  async #refresh(everyMs: number): Promise<void> {
    while (!this.over) {
      await this.#sleep(everyMs);
      const topics = this.#recovering ? [] : await this.#context.topics(() => true).catch(() => []);
      if (this.#recovering || this.over || topics.every((topic) => this.#topics.includes(topic))) continue;
      this.#recovering = true;
      await this.#generation?.prepareRebalance();
      if (this.#member) await this.#stopMember(this.#member);
      const failure = this.over ? undefined : await this.#tryStart();
      if (failure) await this.#recover(failure.cause);
      else this.#recovering = false;
    }
  }

  /** Sleeps; the end wakes it. */
  async #sleep(ms: number): Promise<void> {
    await sleep(this.#context.cluster.clock, ms, this.#ended.signal).catch(() => undefined);
  }
}

const once = (): boolean => true;

const nothingOwned: Ownership = { partitions: {}, generation: -1 };

/** Awaited by one and settled by another, who may be alone. */
function owned(): Deferred<void> {
  const result = deferred<void>();
  result.promise.catch(() => undefined);
  return result;
}
