import { randomUUID } from "node:crypto";
import type { Tree } from "./build.ts";
import type { Contest, LoopSpec, Sample } from "./contract.ts";
import { BenchProcess } from "./process.ts";
import { rateOf } from "./statistics.ts";

export interface Pace {
  readonly rounds: number;
  /** At least so long is a round. */
  readonly roundMs: number;
}

export interface Stage extends Pace {
  /** Of the built bench, by the checkout of the library beside it. */
  readonly folders: Readonly<Partial<Record<Tree, string>>>;
  readonly profiles?: string | undefined;
  progress(line: string): void;
}

export interface Result {
  readonly contest: Contest;
  /** In the order of its loops; a loop's samples in the order of the rounds. */
  readonly samples: readonly (readonly Sample[])[];
}

/** How far a publisher may be ahead of its consumer. Below the inbox of a NATS subscription. */
const window = 32_768;

/** Rounds of all loops in turn, so that what slows the machine for a while slows them all. */
export async function conduct(contest: Contest, stage: Stage): Promise<Result> {
  const { loops } = contest;
  const site = await Site.open(contest, stage);
  try {
    stage.progress(`${contest.title}: calibration`);
    const size = await site.calibrate();
    const samples = loops.map((): Sample[] => []);
    for (let round = 0; round < stage.rounds; round++) {
      for (const index of inTurn(loops, round)) {
        stage.progress(`${contest.title}: round ${round + 1} of ${stage.rounds}, ${loops[index]?.label}`);
        samples[index]?.push(await site.round(index, size));
      }
    }
    return { contest, samples };
  } finally {
    await site.close();
  }
}

/** Each round begins with another one: none is always first after the pause, or always after the same. */
function inTurn(loops: readonly LoopSpec[], round: number): number[] {
  return loops.map((_, index) => (index + round) % loops.length);
}

function freshName(): string {
  return `bench-${randomUUID().slice(0, 13)}`;
}

/** The processes of one contest. */
class Site {
  readonly #contest: Contest;
  readonly #stage: Stage;
  readonly #loops: BenchProcess[] = [];
  #partner: BenchProcess | undefined;
  /** The name of the log, where there is one. */
  #log: string | undefined;

  static async open(contest: Contest, stage: Stage): Promise<Site> {
    const site = new Site(contest, stage);
    try {
      await site.#start();
      return site;
    } catch (error) {
      await site.close();
      throw error;
    }
  }

  private constructor(contest: Contest, stage: Stage) {
    this.#contest = contest;
    this.#stage = stage;
  }

  /** Thrown away; it warms the code, and tells how many messages make a round that is long enough for the fastest. */
  async calibrate(): Promise<number> {
    const { work } = this.#contest;
    const { roundMs } = this.#stage;
    if (work.kind === "start") return 1;
    if (work.kind === "log") {
      const count = Math.ceil((work.rate * roundMs) / 1000);
      await this.#writeLog(count);
      await this.#fastest(count);
      return count;
    }
    if (work.kind === "burst") {
      await this.#fastest(Math.min(1000, roundMs));
      return roundMs;
    }
    let count = work.first;
    for (const forMs of [Math.min(1000, roundMs), roundMs]) {
      count = Math.ceil(((await this.#fastest(count)) * forMs) / 1000);
    }
    return count;
  }

  async #fastest(size: number): Promise<number> {
    let fastest = 0;
    for (const index of this.#loops.keys())
      fastest = Math.max(fastest, rateOf(await this.round(index, size)));
    return fastest;
  }

  async #writeLog(count: number): Promise<void> {
    this.#log = freshName();
    await this.#partner?.do({ type: "publish", name: this.#log, count, window: Number.MAX_SAFE_INTEGER });
  }

  /** `size`: messages of a stream or log; milliseconds of bursts. */
  async round(index: number, size: number): Promise<Sample> {
    const { work, loops } = this.#contest;
    const spec = loops[index];
    if (spec === undefined) throw new RangeError(`There is no loop ${index}.`);
    if (work.kind === "start") return this.#startOnce(spec);
    const loop = this.#loops[index];
    if (loop === undefined) throw new RangeError(`Loop ${index} does not run.`);
    if (work.kind === "burst") return loop.measure({ type: "bursts", size: work.size, forMs: size });
    return this.#log === undefined ? this.#stream(loop, size) : this.#readLog(loop, this.#log, size);
  }

  async #readLog(loop: BenchProcess, name: string, count: number): Promise<Sample> {
    loop.onTaken = () => {};
    await loop.do({ type: "attach", name, count, every: count });
    const sample = await loop.sample();
    await loop.do({ type: "detach" });
    return sample;
  }

  async #stream(loop: BenchProcess, count: number): Promise<Sample> {
    const partner = this.#partner;
    if (partner === undefined) throw new Error("There is no publisher.");
    const name = freshName();
    loop.onTaken = (taken) => partner.credit(taken);
    await loop.do({ type: "attach", name, count, every: window / 8 });
    const sample = loop.sample();
    await Promise.all([partner.do({ type: "publish", name, count, window }), sample]);
    await loop.do({ type: "detach" });
    return sample;
  }

  async #startOnce(spec: LoopSpec): Promise<Sample> {
    const process = await BenchProcess.start({
      folder: this.#folderOf(spec),
      role: "loop",
      spec,
      address: "",
    });
    try {
      return await process.measure({ type: "bursts", size: 1, forMs: 0.001 });
    } finally {
      await process.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#loops, ...(this.#partner ? [this.#partner] : [])].map((each) => each.close()),
    );
  }

  async #start(): Promise<void> {
    const { work, loops } = this.#contest;
    if (work.kind === "start") return;
    const { profiles } = this.#stage;
    const partner = work.kind === "burst" ? work.partner : work.publisher;
    const address = work.address ?? "";
    if (partner)
      this.#partner = await BenchProcess.start({
        folder: this.#folderOf({}),
        role: "partner",
        spec: partner,
        address,
      });
    for (const spec of loops) {
      const folder = this.#folderOf(spec);
      this.#loops.push(await BenchProcess.start({ folder, role: "loop", spec, address, profiles }));
    }
  }

  #folderOf({ tree = "this" }: Pick<LoopSpec, "tree">): string {
    const folder = this.#stage.folders[tree];
    if (folder === undefined) throw new RangeError(`The checkout "${tree}" was not built.`);
    return folder;
  }
}
