import type { PipelineOptions } from "../runtime/pipeline.ts";
import type { ErrorListener } from "../runtime/report.ts";
import type { Broker, SubscriptionSource } from "../traits/broker.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import type { OutgoingMessage } from "../traits/publisher.ts";
import type { AppDefinition, Sender, SubscriptionPlan } from "./definition.ts";
import type { Outgoing } from "./publishing.ts";

/** What a test watches. In production there is none, and nothing is paid for it. */
export interface Observer {
  /** A delivery came, before it is decoded. */
  arrived(plan: SubscriptionPlan, message: Message): void;
  decoded(message: Message, value: unknown): void;
  /** Its handler is about to run. */
  handling(message: Message): void;
  /** A message is about to be published. What it returns takes that back, where the publish fails. */
  published(outgoing: Outgoing, from: Sender): () => void;
  /** What a run says to its error listener. */
  failed(report: Parameters<ErrorListener>[0]): void;
  /** A dead letter was published. */
  setAside(plan: SubscriptionPlan, letter: OutgoingMessage): void;
  /** So many more handlers wait for the reply to a request, or for a batch to be full. */
  waiting(change: number): void;
}

/** What an app runs on: its own brokers and time, or those of a test. */
export interface Environment {
  readonly brokers: ReadonlyMap<string, Broker>;
  readonly sourceOf: (plan: SubscriptionPlan) => SubscriptionSource;
  readonly clock: Clock;
  readonly pipeline: Omit<PipelineOptions, "onError">;
  /** In place of what `onStart` would make, and `onStop` release. */
  readonly state: { readonly value: unknown } | undefined;
  readonly observer: Observer | undefined;
}

/** The app as it was declared. */
export function ownEnvironment({ brokers, clock }: AppDefinition): Environment {
  return {
    brokers,
    sourceOf: ({ source }) => source,
    clock: clock ?? systemClock,
    pipeline: clock === undefined ? {} : { clock },
    state: undefined,
    observer: undefined,
  };
}
