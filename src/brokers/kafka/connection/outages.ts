import { ReconnectReport } from "../../shared/reconnect-report.ts";
import type { OutageReport } from "../topology/admin.ts";

/**
 * Which parts of a connection are without the server now. kafkajs has no connection as a whole, so each part reconnects by
 * itself: the consumer in `Subscription`, the producer in `ReconnectingProducer`, the admin client in `ReconnectingAdmin`.
 * This reports them as one connection: lost with the first part, restored when the last is back.
 */
export class Outages implements OutageReport {
  readonly #report: ReconnectReport;
  readonly #parts = new Set<object>();
  /** A loss was reported and the return was not. Parts that ended meanwhile do not answer for it. */
  #reported = false;

  constructor(broker: string) {
    this.#report = new ReconnectReport(broker);
  }

  get any(): boolean {
    return this.#parts.size > 0;
  }

  /** `part` is gone, or attempt number `attempt` to bring it back failed. */
  lost(part: object, attempt: number, error: unknown): void {
    this.#parts.add(part);
    this.#reported = true;
    this.#report.lost(attempt, error);
  }

  /** `part` has the server, after that many attempts. */
  restored(part: object, attempt: number): void {
    if (!this.#reported) return;
    this.#parts.delete(part);
    if (this.#parts.size > 0) return;
    this.#reported = false;
    this.#report.restored(attempt);
  }

  /** `part` has ended. */
  forget(part: object): void {
    this.#parts.delete(part);
  }
}
