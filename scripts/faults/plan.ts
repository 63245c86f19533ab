import { randomFrom } from "../../src/testing/random.ts";

/** Those every broker is put through. */
export const commonKinds = ["consumer-kill", "server-kill", "cut", "stall", "reopen"] as const;

/** "member": another consumer joins and leaves again. "move": one joins, and the oldest leaves. */
export type FaultKind = (typeof commonKinds)[number] | "member" | "move";

/** How a subscriber is closed before it is opened again, or a member leaves. */
export type Leaving = "drain" | "stop" | "close" | "close connection" | "kill";

/** One fault: when it begins, and what it does. */
export interface FaultPlan {
  readonly kind: FaultKind;
  /** It begins when so many different messages were handled ... */
  readonly afterHandled: number;
  /** ... and so many milliseconds later. */
  readonly thenMs: number;
  /** How long the server or the consumer is down, the connection stalls, or the member stays. 0 for the others. */
  readonly lastsMs: number;
  /** How often the connection is cut; 1 for the others. */
  readonly times: number;
  /** Of "reopen", "member" and "move". */
  readonly how: Leaving | undefined;
}

export interface RoundPlan {
  /** From 1. */
  readonly round: number;
  readonly seed: number;
  readonly messages: number;
  /** By the moment they begin. */
  readonly faults: readonly FaultPlan[];
}

const longest: Readonly<Record<FaultKind, number>> = {
  "consumer-kill": 800,
  "server-kill": 1_500,
  cut: 0,
  stall: 4_000,
  reopen: 0,
  member: 2_500,
  move: 1_000,
};

const reopenings: readonly Leaving[] = ["drain", "stop", "close", "close connection"];
const departures: readonly Leaving[] = ["drain", "stop", "close connection", "kill"];

/**
 * The faults of one round, which depend on the three numbers and the kinds alone: every kind once, up to two more, at
 * random moments. Now and then one begins while another lasts.
 */
export function planRound(
  seed: number,
  round: number,
  messages: number,
  further: readonly FaultKind[] = [],
): RoundPlan {
  const own = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b)) >>> 0;
  const random = randomFrom(own);
  const every: readonly FaultKind[] = [...commonKinds, ...further];
  const extra = Array.from({ length: Math.floor(random() * 3) }, () => pick(every, random));
  const faults = [...every, ...extra].map((kind) => planFault(kind, messages, random));
  // Two that begin together: the second while the first is at work.
  const [first, second] = faults.toSorted(() => random() - 0.5);
  const joined = faults.map((fault) =>
    fault === second && first !== undefined && random() < 0.7
      ? { ...fault, afterHandled: first.afterHandled, thenMs: first.thenMs + Math.floor(random() * 400) }
      : fault,
  );
  return {
    round,
    seed: own,
    messages,
    faults: joined.toSorted((a, b) => a.afterHandled - b.afterHandled || a.thenMs - b.thenMs),
  };
}

function planFault(kind: FaultKind, messages: number, random: () => number): FaultPlan {
  return {
    kind,
    // Not at the very end: messages still flow when it begins, and when it is over.
    afterHandled: Math.floor(messages * (0.03 + 0.82 * random())),
    thenMs: Math.floor(random() * 150),
    // The square: short ones more often, which is where nobody notices.
    lastsMs: Math.floor(longest[kind] * random() ** 2),
    times: kind === "cut" ? 1 + Math.floor(random() * 3) : 1,
    how: howFor(kind, random),
  };
}

function howFor(kind: FaultKind, random: () => number): Leaving | undefined {
  if (kind === "reopen") return pick(reopenings, random);
  return kind === "member" || kind === "move" ? pick(departures, random) : undefined;
}

function pick<T>(from: readonly T[], random: () => number): T {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error("There is nothing to choose from.");
  return found;
}

/** "stall 1.2 s" */
export function describeFault({ kind, lastsMs, times, how }: FaultPlan): string {
  const parts: string[] = [kind];
  if (how !== undefined) parts.push(how);
  if (lastsMs > 0) parts.push(`${(lastsMs / 1_000).toFixed(1)}s`);
  if (times > 1) parts.push(`x${times}`);
  return parts.join(" ");
}
