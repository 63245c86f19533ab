import type { Capabilities } from "../../src/traits/index.ts";
import type { SourceOptions } from "../fixture.ts";
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
export function groupFor(groups: Map<string, Group>, facts: OpeningFacts): Group {
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
    liveSince: undefined,
    noticesMs: 0,
    moving: false,
    disturbed: false,
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
    leftAt: undefined,
    flow: "on",
    firsts: [],
  };
}
