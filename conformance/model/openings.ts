import type { Capabilities } from "../../src/traits/index.ts";
import type { SourceOptions } from "../fixture.ts";
import type { Posting } from "./posting.ts";
import type { Group, Seat, Target } from "./records.ts";

/** A subscription that is about to be opened. */
export interface OpeningFacts {
  readonly seat: string;
  readonly group: string | undefined;
  readonly target: Target;
  readonly connection: string;
  readonly options: SourceOptions;
  readonly capabilities: Capabilities;
}

/** The group it belongs to; made when it is the first of it. */
export function groupFor(groups: Map<string, Group>, facts: OpeningFacts, now: number): Group {
  const key = `${facts.target.label} ${facts.group ?? `(${facts.seat})`}`;
  const known = groups.get(key);
  if (known !== undefined) return known;
  const { deadLetter } = facts.options;
  const group: Group = {
    label: facts.group === undefined ? `the subscription ${facts.seat}` : `group ${facts.group}`,
    target: facts.target,
    options: facts.options,
    deadLetter: deadLetter && { maxDeliveries: Number.POSITIVE_INFINITY, ...deadLetter },
    capabilities: facts.capabilities,
    durable: facts.group !== undefined && facts.capabilities.settlement === "ack",
    copies: new Map(),
    seats: new Set(),
    begunAt: now,
    liveSince: undefined,
    leavingAt: 0,
    noticesMs: 0,
    moving: false,
    rebalancing: false,
    goers: new Set(),
    disturbed: false,
    sought: false,
    soughtAt: 0,
    loose: new Set(),
    batched: false,
    scattered: false,
  };
  groups.set(key, group);
  return group;
}

export function newSeat(group: Group, { seat: name, connection, capabilities }: OpeningFacts): Seat {
  const state = "opening";
  return {
    name,
    group,
    connection,
    capabilities,
    state,
    ends: false,
    crashing: false,
    leftAt: undefined,
    survivedAt: undefined,
    flow: "on",
    pausedAt: 0,
    pausedSince: undefined,
    cameAfterPause: 0,
    forming: false,
    firsts: [],
  };
}

/** Whether a member is open: what is published then is for it. */
export function isServed({ seats }: Group): boolean {
  return [...seats].some(({ state }) => state === "open");
}

/**
 * Whether a group of its topic was being opened for the first time while this was published. A server may know the
 * queue already and not yet be able to write to it; it then refuses what a second attempt would bring in.
 */
export function opensFirst(groups: Iterable<Group>, { topic, startedAt }: Posting): boolean {
  return [...groups].some(({ target, liveSince, seats }) => {
    if (!target.covers(topic)) return false;
    if (liveSince === undefined) return [...seats].some(({ state }) => state === "opening");
    return liveSince >= startedAt;
  });
}
