import type { Clock } from "../../../../traits/clock.ts";
import type { ServerConnection } from "../../../nats/client.ts";
import { Alarm } from "../../../shared/alarm.ts";
import { reportOrWarn } from "../../../shared/error-report.ts";
import type { Consumer } from "../../topology/topology.ts";

/** Between two checks of the consumer: usually, and if something suggests that it was changed. */
const intervalMs = 30_000;
const suspectedMs = 1_000;

export interface WatchContext {
  readonly server: ServerConnection;
  readonly clock: Clock;
  readonly consumer: Consumer;
}

/**
 * Notices that others have changed the ack deadline of the consumer. The server goes by the new one at once, also for what
 * is held: whoever goes by the old one handles a message that the server has delivered to another member.
 */
export class ConsumerWatch {
  readonly #context: WatchContext;
  readonly #onChange: () => void;
  readonly #alarm: Alarm;
  #deadlineMs: number;
  #checkedAt: number;
  #isChecking = false;
  #over = false;

  /** `onChange`: the consumer has another ack deadline than it had. Must not throw. */
  constructor(context: WatchContext, onChange: () => void) {
    this.#context = context;
    this.#onChange = onChange;
    this.#alarm = new Alarm(context.clock, () => void this.#check());
    this.#deadlineMs = context.consumer.ackDeadlineMs;
    this.#checkedAt = context.clock.now();
    this.#alarm.at(this.#checkedAt + intervalMs);
  }

  /** Something came, or is held so long, that the consumer may have been changed. */
  suspect(): void {
    if (!this.#over && !this.#isChecking) this.#alarm.at(this.#checkedAt + suspectedMs);
  }

  /** The consumer was asked for its configuration. */
  compare(): void {
    const { clock, consumer } = this.#context;
    this.#checkedAt = clock.now();
    const before = this.#deadlineMs;
    const now = consumer.ackDeadlineMs;
    if (this.#over || now === before) return;
    this.#deadlineMs = now;
    if (now < before) report(consumer, before);
    this.#onChange();
  }

  end(): void {
    this.#over = true;
    this.#alarm.cancel();
  }

  /** Does not reject. What is wrong with a consumer that cannot be found is noticed elsewhere. */
  async #check(): Promise<void> {
    const { server, clock, consumer } = this.#context;
    this.#isChecking = true;
    this.#checkedAt = clock.now();
    if (server.up) await consumer.isThere().catch(() => {});
    this.#isChecking = false;
    if (this.#over) return;
    this.compare();
    this.#alarm.at(clock.now() + intervalMs);
  }
}

function report(consumer: Consumer, beforeMs: number): void {
  const name = String(consumer);
  const text = `${name.charAt(0).toUpperCase()}${name.slice(1)} was changed by somebody else: its ack deadline was ${beforeMs} ms and is ${consumer.ackDeadlineMs} ms. What was held for longer is revoked and delivered again; keep handlers below it, or raise ack_wait.`;
  reportOrWarn({ topic: consumer.filter, error: new Error(text) }, () => text);
}
