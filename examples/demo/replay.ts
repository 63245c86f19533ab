import type { PackageLine } from "./log.ts";
import { judge, type Step, unseen, type Verdict } from "./package-machine.ts";

/** Where one package is in its own history. */
interface Place {
  step: Step | typeof unseen;
  /** The number of its last line, from 1; 0 before the first. */
  line: number;
}

/** What became of one line: how the table judges it, and whether its number came after the package's last. */
export interface Replayed {
  readonly verdict: Verdict;
  readonly inSequence: boolean;
}

/**
 * Every package's state machine, moved by one line at a time.
 *
 * It runs twice: over the log as it stands in the file, and over the lines as the workers handle them. A step that is
 * illegal in both is the file's; one that is illegal only in the run was put out of order by the run.
 */
export class Replay {
  readonly #places = new Map<string, Place>();

  get packages(): number {
    return this.#places.size;
  }

  step(line: PackageLine, number: number): Replayed {
    const place = this.#places.get(line.package) ?? { step: unseen, line: 0 };
    this.#places.set(line.package, place);
    const replayed = { verdict: judge(place.step, line.step), inSequence: number > place.line };
    place.step = line.step;
    place.line = number;
    return replayed;
  }
}

/** The order violations of one run, and what of them was so in the file already. */
export class OrderTally {
  readonly #inFile = new Replay();
  readonly #inRun = new Replay();
  readonly #illegalInFile = new Set<number>();
  #illegalFromFile = 0;
  #illegalFromRun = 0;
  #outOfSequence = 0;
  #unknown = 0;

  /** To be called for each line in the order of the file. */
  read(line: PackageLine, number: number): void {
    if (this.#inFile.step(line, number).verdict === "illegal") this.#illegalInFile.add(number);
  }

  /** To be called for each line when its handler has done its work. */
  handled(line: PackageLine, number: number): void {
    const { verdict, inSequence } = this.#inRun.step(line, number);
    if (!inSequence) this.#outOfSequence += 1;
    if (verdict === "unknown") this.#unknown += 1;
    if (verdict !== "illegal") return;
    if (this.#illegalInFile.has(number)) this.#illegalFromFile += 1;
    else this.#illegalFromRun += 1;
  }

  get result(): OrderResult {
    return {
      packages: this.#inRun.packages,
      outOfSequence: this.#outOfSequence,
      illegalFromRun: this.#illegalFromRun,
      illegalFromFile: this.#illegalFromFile,
      unknown: this.#unknown,
    };
  }
}

export interface OrderResult {
  readonly packages: number;
  /** Lines handled after a later line of the same package, or twice. */
  readonly outOfSequence: number;
  /** Illegal steps that stand in a legal order in the file. */
  readonly illegalFromRun: number;
  /** Illegal steps that are illegal in the file as well. */
  readonly illegalFromFile: number;
  /** Steps the table does not know, such as a removal. */
  readonly unknown: number;
}
