import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { conclude } from "../stage/epilogue.ts";
import type { Stage, Topics } from "../stage/stage.ts";
import type { GroupSpec } from "../stage/subscriber-actor.ts";
import { everyStep } from "../steps/every.ts";
import { moment } from "../steps/moment.ts";
import { openAnother } from "../steps/opening.ts";
import { repeat } from "../steps/repeating.ts";
import { oneOf, type Step, type Weighted } from "../steps/step.ts";
import type { Subject } from "../subject.ts";
import { cases, type Profile } from "./cases.ts";
import { type Ground, mix, mixtures } from "./ground.ts";
import { refrainsOf } from "./refrains.ts";

/**
 * The plain ground a law is looked for on, and the steps it favors. In most histories more is mixed in: bounds, an ack
 * deadline, dead letters, other subscriptions, and every other step now and then (ground.ts, steps/every.ts).
 */
export interface HistoryDesign {
  /** @default one, "A", with no needs */
  readonly topics?: Topics;
  /** @default one, "g", of the topic "A" */
  readonly groups?: readonly GroupSpec[];
  /** Subscribers to begin with, by the index of their group. @default one of each group */
  readonly seats?: readonly number[];
  /** @default 1 */
  readonly connections?: number;
  /** What happens, and how often beside the others. */
  readonly steps: readonly Weighted[];
  /** How often another subscriber opens, and how many of one group at once. @default weight 2, most 2 */
  readonly opens?: { readonly weight: number; readonly most?: number };
  /** Generated at most; those with nothing to act on are left out. @default 60 */
  readonly maxSteps?: number;
}

/** The steps a law favors count so many times their weight beside all the others. */
const favor = 8;
/** One history in so many is long, where time costs nothing. */
const longOneIn = 30;
const longSteps = 250;

/** A law over generated steps, all of it judged by the ledger. */
export function history(design: (subject: Subject) => HistoryDesign): Law["property"] {
  return (play) => {
    const { subject } = play;
    const favored = design(subject);
    const plain = plainGround(favored, subject);
    const generated = cases({
      mixture: mixtures(subject),
      step: stepOf({ ...favored, topics: plain.topics }, subject),
      length: lengthOf(favored, subject),
      refrains: refrainsOf(subject),
    });
    return fc.asyncProperty(generated, ({ mixture, profile, steps }) => {
      const ground = mix(plain, mixture);
      return play.run(ground.topics, async (stage) => {
        stage.groups = ground.groups;
        await prepare(stage, ground, profile);
        stage.trace.begin();
        await fc.asyncModelRun(() => ({ model: stage, real: stage }), steps);
        await conclude(stage);
      });
    });
  };
}

/** A broker without groups gives every subscription a copy of its own, and one without anything else has only groups. */
function plainGround(design: HistoryDesign, { capabilities, fixture }: Subject): Ground {
  const { topics = { A: {} }, groups: wanted = [{ topic: "A", options: { group: "g" } }] } = design;
  const groups = wanted.filter(({ options }) => options.group !== undefined || fixture.ungrouped !== false);
  if (groups.length === 0) throw new Error("a law over ungrouped subscriptions, on a broker without");
  const seats = design.seats?.filter((index) => index < groups.length) ?? groups.map((_, index) => index);
  const chosen = capabilities.groups ? seats : [...new Set(seats)];
  return { topics, groups, seats: chosen, connections: design.connections ?? 1 };
}

function stepOf(design: HistoryDesign, subject: Subject): Arbitrary<Step> {
  const virtual = subject.fixture.time === "virtual";
  const opens = design.opens?.weight ?? 2;
  const most = subject.capabilities.groups ? (design.opens?.most ?? 2) : 1;
  const opening: readonly Weighted[] = opens > 0 ? [[opens * favor, openAnother(most)]] : [];
  const favored = design.steps.map(([weight, step]) => [weight * favor, step] as const);
  const single = [...favored, ...everyStep(subject, design.topics ?? {}), ...opening].filter(
    ([weight]) => weight > 0,
  );
  const { requeue } = subject.capabilities;
  const total = single.reduce((sum, [weight]) => sum + weight, 0);
  return oneOf([
    ...single,
    [Math.ceil(total / 15), moment(single)],
    [Math.ceil(total / 60), repeat({ virtual, requeue })],
  ]);
}

function lengthOf({ maxSteps = 60 }: HistoryDesign, { fixture }: Subject): Arbitrary<number> {
  const usual = fc.nat({ max: maxSteps });
  if (fixture.time !== "virtual") return usual;
  return fc.oneof(
    { weight: longOneIn - 1, arbitrary: usual },
    { weight: 1, arbitrary: fc.nat({ max: longSteps }) },
  );
}

async function prepare(stage: Stage, ground: Ground, profile: Profile): Promise<void> {
  for (const [label, { capacity }] of Object.entries(ground.topics)) {
    if (capacity !== undefined) stage.trace.line(`${label} holds ${capacity} at most`);
  }
  for (let left = ground.connections; left > 0; left -= 1) await stage.connect();
  for (const [position, index] of ground.seats.entries()) {
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
