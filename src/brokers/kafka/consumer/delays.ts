import { Heap } from "../../../structures/heap.ts";
import type { Clock } from "../../../traits/clock.ts";
import { Alarm } from "../../shared/alarm.ts";
import type { KafkaRecord } from "../message/message.ts";
import type { Partition } from "./partition.ts";

/** Records that are delivered again later, on one timer. */
export class Delays {
  readonly #clock: Clock;
  readonly #due: (record: KafkaRecord) => void;
  #waiting: Heap<KafkaRecord> = sooner();
  readonly #alarm: Alarm;

  constructor(clock: Clock, due: (record: KafkaRecord) => void) {
    this.#clock = clock;
    this.#due = due;
    this.#alarm = new Alarm(clock, () => this.#ring());
  }

  /** Gives those that are due, also where a busy event loop has kept the timer waiting. */
  release(): void {
    if (this.#waiting.size > 0) this.#ring();
  }

  add(record: KafkaRecord, dueMs: number): void {
    record.dueMs = dueMs;
    if (dueMs <= this.#clock.now()) this.#due(record);
    else this.adopt(record);
  }

  /** Hands over those of one partition. */
  take(partition: Partition): KafkaRecord[] {
    const before = [...this.#waiting];
    this.#waiting = sooner();
    for (const record of before) if (record.partition !== partition) this.#waiting.push(record);
    if (this.#waiting.size === 0) this.#alarm.cancel();
    return before.filter((record) => record.partition === partition);
  }

  /** Takes over one that waits already. */
  adopt(record: KafkaRecord): void {
    this.#waiting.push(record);
    this.#alarm.at(record.dueMs);
  }

  clear(): void {
    this.#waiting.clear();
    this.#alarm.cancel();
  }

  #ring(): void {
    const now = this.#clock.now();
    for (let first = this.#waiting.peek(); first && first.dueMs <= now; first = this.#waiting.peek()) {
      this.#waiting.pop();
      this.#due(first);
    }
    const next = this.#waiting.peek();
    if (next) this.#alarm.at(next.dueMs);
  }
}

function sooner(): Heap<KafkaRecord> {
  return new Heap((a, b) => a.dueMs < b.dueMs);
}
