import type { Arbitrary, AsyncCommand } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { conclude } from "../stage/epilogue.ts";
import type { Stage, Topics } from "../stage/stage.ts";
import type { GroupSpec } from "../stage/subscriber-actor.ts";
import { open } from "../steps/receiving.ts";
import type { Step } from "../steps/step.ts";
import type { Subject } from "../subject.ts";

/** The ground a law is looked for on. */
export interface HistoryDesign {
  /** @default one, "A", with no needs */
  readonly topics?: Topics;
  readonly groups: readonly GroupSpec[];
  /** Subscribers to begin with, by the index of their group. @default one of each group */
  readonly seats?: readonly number[];
  /** @default 1 */
  readonly connections?: number;
  /** What happens, and how often beside the others. */
  readonly steps: readonly (readonly [weight: number, step: Arbitrary<Step>])[];
  /** How often another subscriber opens, and how many of one group at once. @default weight 2, most 2 */
  readonly opens?: { readonly weight: number; readonly most?: number };
  /** Generated at most; those with nothing to act on are left out. @default 60 */
  readonly maxSteps?: number;
}

/**
 * Subscribe-first: the subscribers are there before anything is published. Publish-first: the groups are known to the
 * broker, or read a topic from its start, and nobody is there.
 */
type Profile = "subscribe first" | "publish first";

/** A law over generated steps, all of it judged by the ledger. */
export function history(design: (subject: Subject) => HistoryDesign): Law["property"] {
  return (play, replay) => {
    const ground = adapt(design(play.subject), play.subject);
    const cases = fc.record({
      profile: fc.constantFrom<Profile[]>("subscribe first", "publish first"),
      steps: stepsOf(ground, replay),
    });
    return fc.asyncProperty(cases, ({ profile, steps }) =>
      play.run(ground.topics ?? { A: {} }, async (stage) => {
        await prepare(stage, ground, profile);
        stage.trace.begin();
        await fc.asyncModelRun(() => ({ model: stage, real: stage }), steps);
        await conclude(stage);
      }),
    );
  };
}

/** A broker without groups gives every subscription a copy of its own, and one without anything else has only groups. */
function adapt(ground: HistoryDesign, { capabilities, fixture }: Subject): HistoryDesign {
  const groups = ground.groups.filter(
    ({ options }) => options.group !== undefined || fixture.ungrouped !== false,
  );
  if (groups.length === 0) throw new Error("a law over ungrouped subscriptions, on a broker without");
  const seats = ground.seats?.filter((index) => index < groups.length);
  const chosen = seats === undefined ? {} : { seats: capabilities.groups ? seats : [...new Set(seats)] };
  const most = capabilities.groups ? ground.opens?.most : 1;
  const opens = { weight: ground.opens?.weight ?? 2, ...(most === undefined ? {} : { most }) };
  return { ...ground, groups, ...chosen, opens };
}

function stepsOf(
  ground: HistoryDesign,
  replay: string | undefined,
): Arbitrary<Iterable<AsyncCommand<Stage, Stage>>> {
  const { weight, most = 2 } = ground.opens ?? { weight: 2 };
  const opening = [weight, open(ground.groups, most)] as const;
  const weighted = [...ground.steps, ...(weight > 0 ? [opening] : [])];
  const step = fc.oneof(...weighted.map(([share, arbitrary]) => ({ weight: share, arbitrary })));
  return fc.commands<Stage, Stage, false>([step], {
    maxCommands: ground.maxSteps ?? 60,
    // The size fast-check would choose is a handful of steps, of which many find nothing to do.
    size: "max",
    ...(replay === undefined ? {} : { replayPath: replay }),
  });
}

async function prepare(stage: Stage, ground: HistoryDesign, profile: Profile): Promise<void> {
  for (let left = ground.connections ?? 1; left > 0; left -= 1) await stage.connect();
  const seats = ground.seats ?? ground.groups.map((_, index) => index);
  for (const [position, index] of seats.entries()) {
    const spec = ground.groups[index];
    const connection = stage.connections[position % stage.connections.length];
    if (spec === undefined || connection === undefined)
      throw new Error("a seat of a group that is not there");
    const subscriber = await connection.open(spec);
    if (profile === "publish first" && subscriber?.seat.group.durable === true) await subscriber.close();
  }
  await stage.rest();
  stage.check();
}
