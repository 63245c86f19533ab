import type { Entry } from "./journal.ts";
import type { Order } from "./scenario.ts";

/** Counts over one journal. Poison messages, which nobody can handle, count in `poison` alone. */
export interface Findings {
  readonly published: number;
  /** Different messages whose handler succeeded at least once. */
  readonly handled: number;
  /** Messages whose handler never succeeded. */
  readonly unhandled: readonly number[];
  /** Messages whose handling began before the one before it of its key had succeeded. */
  readonly outOfOrder: readonly number[];
  /** Handlings that began while another one of their key was under way. */
  readonly sameKeyAtOnce: number;
  /** Handlings that began after their message had succeeded already. */
  readonly repeats: number;
  readonly retries: {
    /** Messages whose handler threw and that succeeded later, or were to. */
    readonly failed: number;
    /** Of these, how many a later message of their key overtook: it began between the throw and the success. */
    readonly overtaken: number;
  };
  /** Attempts at the poison messages, by id. */
  readonly poison: Readonly<Record<number, number>>;
}

interface State {
  readonly order: Order;
  /** The message before it of its key, poison messages left out: those never succeed. */
  readonly before: State | undefined;
  attempts: number;
  done: boolean;
  failed: boolean;
  outOfOrder: boolean;
  overtaken: boolean;
}

/** What the journal says of the messages. Pure: equal arguments give equal findings. */
export function judge(orders: readonly Order[], entries: readonly Entry[]): Findings {
  const states = statesOf(orders);
  const failing = new Map<string, Set<State>>();
  /** Messages whose handling is under way, by key. It ends with its process. */
  const running = new Map<string, number[]>();
  let sameKeyAtOnce = 0;
  let repeats = 0;
  for (const entry of entries) {
    if (entry.event === "boot") {
      running.clear();
      continue;
    }
    const state = states[entry.id];
    if (state === undefined) throw new Error(`The journal has message ${entry.id}, which nobody published.`);
    const { key } = state.order;
    const underWay = running.get(key) ?? [];
    running.set(key, underWay);
    if (entry.event === "start") {
      if (underWay.length > 0) sameKeyAtOnce += 1;
      if (state.done) repeats += 1;
      begin(state, failing.get(key));
      underWay.push(entry.id);
      continue;
    }
    const at = underWay.indexOf(entry.id);
    if (at < 0) throw new Error(`The journal ends a handling of message ${entry.id} that never began.`);
    underWay.splice(at, 1);
    if (entry.event === "fail") fail(state, failing);
    else succeed(state, failing.get(key));
  }
  return { ...countsOf(states), sameKeyAtOnce, repeats };
}

function statesOf(orders: readonly Order[]): readonly State[] {
  const last = new Map<string, State>();
  return orders.map((order) => {
    const state: State = {
      order,
      before: last.get(order.key),
      attempts: 0,
      done: false,
      failed: false,
      outOfOrder: false,
      overtaken: false,
    };
    if (!isPoison(state)) last.set(order.key, state);
    return state;
  });
}

function begin(state: State, failing: ReadonlySet<State> | undefined): void {
  state.attempts += 1;
  if (state.before !== undefined && !state.before.done) state.outOfOrder = true;
  // A repeat of a finished message overtakes nobody.
  if (state.done) return;
  for (const other of failing ?? []) {
    if (other.order.sequence < state.order.sequence) other.overtaken = true;
  }
}

function fail(state: State, failing: Map<string, Set<State>>): void {
  if (state.done || isPoison(state)) return;
  state.failed = true;
  const { key } = state.order;
  failing.set(key, (failing.get(key) ?? new Set()).add(state));
}

function succeed(state: State, failing: Set<State> | undefined): void {
  state.done = true;
  failing?.delete(state);
}

function isPoison(state: State): boolean {
  return state.order.behavior === "always-fails";
}

function countsOf(states: readonly State[]): Omit<Findings, "sameKeyAtOnce" | "repeats"> {
  const idsOf = (found: readonly State[]): number[] => found.map(({ order }) => order.id);
  const sound = states.filter((state) => !isPoison(state));
  const failed = sound.filter((state) => state.failed);
  return {
    published: sound.length,
    handled: sound.filter((state) => state.done).length,
    unhandled: idsOf(sound.filter((state) => !state.done)),
    outOfOrder: idsOf(sound.filter((state) => state.outOfOrder)),
    retries: { failed: failed.length, overtaken: failed.filter((state) => state.overtaken).length },
    poison: Object.fromEntries(states.filter(isPoison).map(({ order, attempts }) => [order.id, attempts])),
  };
}
