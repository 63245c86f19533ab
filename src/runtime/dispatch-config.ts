import type { Clock } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import type { Delivery, Settlement } from "./delivery.ts";
import type { CheckedPolicy } from "./failure-policy.ts";
import type { KeySelector } from "./key.ts";
import type { Chain } from "./middleware.ts";
import type { Reporter } from "./report.ts";

/** What the dispatcher is built from; checked before. */
export interface DispatchConfig<M extends Message, Value> {
  /** Of the subscription. */
  readonly topic: string;
  readonly workers: number;
  readonly maxInFlight: number;
  readonly selector: KeySelector<Value> | undefined;
  readonly decode: ((message: M) => Value | Promise<Value>) | undefined;
  /** The handler inside its middleware. */
  readonly chain: Chain<M, Value>;
  readonly policy: CheckedPolicy;
  readonly timeoutMs: number | undefined;
  readonly onTimeout: "wait" | "abandon";
  readonly clock: Clock;
  readonly random: () => number;
  readonly reporter: Reporter<M>;
  /** Starts the continuations of a delivery that left. */
  readonly continued: (delivery: Delivery<M, Value>, settlement: Settlement) => void;
  /** Room, a runnable delivery or an idle worker appeared while nobody was pumping. */
  readonly changed: () => void;
  /** Whether the run takes in what comes, when there is room. */
  readonly pulling: () => boolean;
  /** No run can go on: what is in flight stays unsettled. */
  readonly fatal: (error: unknown) => void;
}

export interface RunConfig<M extends Message, Value>
  extends Omit<DispatchConfig<M, Value>, "topic" | "continued" | "changed" | "pulling" | "fatal"> {
  readonly subscriber: Subscriber<M>;
  readonly signal: AbortSignal | undefined;
  readonly reporter: Reporter<M>;
}
