import {
  headerNames,
  isTidelaneError,
  type Message,
  type Publisher,
  type RequestReply,
} from "../../src/traits/index.ts";
import { showBytes } from "../model/fidelity.ts";
import { nameOfError } from "../model/settling.ts";
import { checkReply, isReplyFor, replyFor } from "./reply.ts";
import type { Stage } from "./stage.ts";
import type { Line } from "./trace.ts";

const law = ["request-reply"] as const;
const timeoutMs = 500;

export type AnswerPlan = "in time" | "twice" | "late" | "never";

interface Asked {
  readonly plan: AnswerPlan;
  readonly line: Line;
  readonly sentMs: number;
  result: { readonly reply: Message } | { readonly error: unknown } | undefined;
  answeredMs: number;
  /** When a timer of our own rang that was set with the request: a machine that is busy keeps all of them waiting. */
  dueMs: number | undefined;
}

/** Several requests at once, each of which knows its own answer. */
export class Requests {
  readonly #stage: Stage;
  readonly #publisher: RequestReply;
  readonly #asked: Map<number, Asked> = new Map();
  readonly #answers: Promise<void>[] = [];

  constructor(stage: Stage, publisher: RequestReply) {
    this.#stage = stage;
    this.#publisher = publisher;
    stage.uses.add("request-reply");
  }

  send(index: number, plan: AnswerPlan): void {
    const { clock, virtual } = this.#stage.pace;
    const { stepMs } = this.#stage.subject.timings;
    // On a busy machine an answer that was sent in time may come late, by no fault of the broker.
    const busyMs = virtual || plan === "late" || plan === "never" ? 0 : stepMs;
    const waitMs = timeoutMs + busyMs;
    const line = this.#stage.trace.line(`request ${index} with ${waitMs} ms, to be answered ${plan}`);
    const asked: Asked = {
      plan,
      line,
      sentMs: clock.now(),
      result: undefined,
      answeredMs: 0,
      dueMs: undefined,
    };
    this.#asked.set(index, asked);
    const due = clock.schedule(timeoutMs, () => {
      asked.dueMs = clock.now();
    });
    const take = (result: Asked["result"]): void => {
      due.cancel();
      asked.result = result;
      asked.answeredMs = clock.now();
    };
    const message = { topic: this.#stage.topic("A"), payload: String(index) };
    this.#answers.push(
      this.#publisher.request(message, { timeoutMs: waitMs }).then(
        (reply) => take({ reply }),
        (error: unknown) => take({ error }),
      ),
    );
  }

  async answer(index: number, request: Message | undefined, publisher: Publisher): Promise<void> {
    const replyTo = request?.headers.get(headerNames.replyTo);
    if (request === undefined || !replyTo) return;
    this.#stage.trace.line(`answer request ${index}`);
    const id = request.headers.get(headerNames.correlationId);
    const headers: Record<string, string> = id === undefined ? {} : { [headerNames.correlationId]: id };
    // If the inbox is gone, the broker may refuse the reply. Nobody waits for it in either case.
    await publisher.publish(replyFor(index, replyTo, headers)).catch(() => undefined);
    await this.#stage.rest();
  }

  /** Until every request has its answer, or has given up. */
  async timeOut(): Promise<void> {
    this.#stage.trace.line(`${timeoutMs} ms pass`);
    await this.#stage.pace.advance(timeoutMs);
    await this.#stage.pace.within(Promise.all(this.#answers), this.#stage.subject.timings.stepMs);
  }

  async checkAll(): Promise<void> {
    for (const [index, asked] of this.#asked) {
      const fault = this.#faultOf(index, asked);
      asked.line.outcome(describe(asked.result));
      if (fault !== undefined) this.#stage.violate(law, `request ${index} ${describe(asked.result)}`, fault);
      else if (asked.result !== undefined && "reply" in asked.result)
        await checkReply(this.#stage, index, asked.result.reply);
    }
  }

  #isAnother(index: number, reply: Message): boolean {
    return [...this.#asked.keys()].some((other) => other !== index && isReplyFor(other, reply));
  }

  #faultOf(index: number, { plan, result, sentMs, answeredMs, dueMs }: Asked): string | undefined {
    if (result === undefined) return "it is answered or times out";
    if (plan === "in time" || plan === "twice") {
      // What is wrong with its content is told for itself.
      const right = "reply" in result && !this.#isAnother(index, result.reply);
      return right ? undefined : `it resolves with the reply to request ${index}`;
    }
    if (!("error" in result) || !isTidelaneError(result.error, "TIDELANE_TIMEOUT"))
      return "it rejects with TimeoutError";
    const { pace, subject } = this.#stage;
    const waitedMs = answeredMs - sentMs;
    const early = waitedMs + (pace.virtual ? 0 : subject.timings.skewMs) < timeoutMs;
    const late = dueMs !== undefined && answeredMs - (pace.virtual ? 0 : subject.timings.stepMs) > dueMs;
    return early || late ? `it waits ${timeoutMs} ms, and waited ${waitedMs}` : undefined;
  }
}

function describe(result: Asked["result"]): string {
  if (result === undefined) return "has no answer";
  return "reply" in result
    ? `resolved with ${showBytes(result.reply.payload)}`
    : `rejected with ${nameOfError(result.error)}`;
}
