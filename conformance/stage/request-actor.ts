import {
  headerNames,
  isTidelaneError,
  type Message,
  MessageHeaders,
  type RequestReply,
} from "../../src/traits/index.ts";
import type { Posting } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { compose } from "./outgoing.ts";
import { listenersOf } from "./request.ts";
import type { Stage } from "./stage.ts";

const law = ["request-reply"] as const;

const encoder = new TextEncoder();

/** An answer that a step gave to a request. */
interface Reply {
  readonly payload: Uint8Array;
  readonly connection: ConnectionActor;
  readonly crashes: number;
  readonly startedAt: number;
  confirmedAt: number | undefined;
  confirmedMs: number | undefined;
  failed: boolean;
}

/** A request of the history, which whoever is given it may answer: in time, more than once, too late, or never. */
export class RequestActor {
  readonly name: string;
  readonly posting: Posting;
  /** Where its answer goes, as the first who was given it read it. */
  address: string | undefined;
  state: "open" | "over" = "open";
  readonly #stage: Stage;
  readonly #connection: ConnectionActor;
  readonly #crashes: number;
  readonly #timeoutMs: number;
  readonly #askedMs: number;
  /** Of each topic it was published to, by its requester and by those who passed it on: whether somebody listened all along. */
  readonly #heard: (() => boolean)[] = [];
  readonly #replies: Reply[] = [];
  readonly answered: Promise<void>;

  constructor(
    stage: Stage,
    connection: ConnectionActor,
    publisher: RequestReply,
    facts: { readonly topic: string; readonly timeoutMs: number },
  ) {
    const { posting, message, text } = compose(stage, { topic: facts.topic }, connection.name);
    this.name = `request #${posting.id}`;
    this.#stage = stage;
    this.#connection = connection;
    this.#crashes = connection.crashes;
    this.#timeoutMs = facts.timeoutMs;
    this.#askedMs = stage.pace.clock.now();
    this.posting = stage.ledger.sending({ ...posting, request: true });
    // It may arrive, and need not: whoever asks learns of the answer only.
    stage.ledger.notSent(this.posting, undefined);
    const line = stage.trace.line(`request ${text}, with ${facts.timeoutMs} ms${connection.label}`);
    this.published(facts.topic);
    const answer = publisher.request(message, { timeoutMs: facts.timeoutMs }).then(
      (reply) => {
        line.outcome(`a reply of ${reply.payload.byteLength} bytes`);
        return this.#resolved(reply);
      },
      (error: unknown) => {
        line.outcome(nameOfError(error));
        this.#rejected(error);
      },
    );
    connection.requests.add(answer);
    this.answered = stage.track(this.name, ["request-reply", "close-idempotent"], answer).finally(() => {
      connection.requests.delete(answer);
    });
  }

  /** It goes to a topic, for the first time or because somebody passes it on with its headers. */
  published(topic: string): void {
    const listeners = listenersOf(this.#stage, topic);
    this.#heard.push(() => listenersOf(this.#stage, topic).some((seat) => listeners.includes(seat)));
  }

  /** Publishes an answer to it, over `connection`, to the address that `asked` says. */
  async reply(asked: Message, connection: ConnectionActor): Promise<void> {
    const { ledger, pace, subject } = this.#stage;
    const nth = this.#replies.length + 1;
    const payload = encoder.encode(`reply ${nth} to #${this.posting.id}`);
    const { crashes } = connection;
    const unanswered = { confirmedAt: undefined, confirmedMs: undefined, failed: false };
    const reply: Reply = { payload, connection, crashes, startedAt: ledger.event, ...unanswered };
    this.#replies.push(reply);
    const late = this.state === "over" ? ", which is over" : "";
    this.#stage.trace.line(`answer ${this.name}${late}, for the ${nth}. time${connection.label}`);
    const topic = asked.headers.get(headerNames.replyTo) ?? "";
    const id = asked.headers.get(headerNames.correlationId);
    const headers: [string, string][] = [["x-answer", `${nth} to ${this.posting.id}`]];
    if (id !== undefined) headers.push([headerNames.correlationId, id]);
    // If the inbox is gone, the broker may refuse the reply.
    const sent = connection.publisher.publish({ topic, payload, headers }).then(
      () => {
        reply.confirmedAt = ledger.event;
        reply.confirmedMs = pace.clock.now();
      },
      () => {
        reply.failed = true;
      },
    );
    await this.#stage.track(`an answer to ${this.name}`, law, sent);
    if (reply.failed) return;
    await pace.within(this.answered, pace.virtual ? 0 : subject.timings.stepMs);
    if (pace.virtual && this.state === "open" && this.#isCertain(reply) && !this.#disturbed)
      this.#violate("was answered and goes on waiting", "it resolves with the first reply");
  }

  /** Something may have come between it and its answer. */
  get #disturbed(): boolean {
    return this.#connection.state !== "open" || this.#connection.crashes !== this.#crashes;
  }

  #isCertain({ confirmedMs, connection, crashes, failed }: Reply): boolean {
    return (
      !failed && confirmedMs !== undefined && connection.crashes === crashes && connection.state === "open"
    );
  }

  async #resolved(reply: Message): Promise<void> {
    this.state = "over";
    const which = this.#replies.find(({ payload }) => Buffer.compare(payload, reply.payload) === 0);
    if (which === undefined) {
      this.#violate(
        `resolved with ${JSON.stringify(reply.text())}`,
        `it resolves with an answer to itself, of which there were ${this.#replies.length}`,
      );
      return;
    }
    const nth = this.#replies.indexOf(which) + 1;
    const earlier = this.#replies.slice(0, nth - 1).find((other) => this.#precedes(other, which));
    if (earlier !== undefined)
      this.#violate(`resolved with its ${nth}. answer`, "it resolves with the first");
    this.#checkHeaders(reply, `${nth} to ${this.posting.id}`);
    await this.#checkSettles(reply);
  }

  /** Whether `a` was there before `b` for certain. */
  #precedes(a: Reply, b: Reply): boolean {
    if (a.failed) return false;
    if (a.connection === b.connection) return a.crashes === a.connection.crashes;
    const { confirmation } = this.#stage.subject.publisher;
    return confirmation !== "none" && a.confirmedAt !== undefined && a.confirmedAt <= b.startedAt;
  }

  #checkHeaders({ headers }: Message, stated: string): void {
    const answer = MessageHeaders.from(headers).get("x-answer");
    if (answer === stated) return;
    this.#violate(`has an answer with the header x-answer = ${answer}`, `it is "${stated}", as published`);
  }

  /** It has nothing to settle: an ack and a drop resolve, and a requeue is refused. */
  async #checkSettles(reply: Message): Promise<void> {
    const kind = this.posting.id % 3;
    const settle = kind === 0 ? reply.ack() : reply.nack({ requeue: kind === 1 });
    const error: unknown = await settle.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const refused = isTidelaneError(error, "TIDELANE_SETTLE_UNSUPPORTED");
    if (kind === 1 ? refused : error === undefined) return;
    const call = ["ack()", "nack()", "nack({ requeue: false })"][kind];
    const answer = error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`;
    const expected = kind === 1 ? "it rejects with SettleUnsupportedError" : "it resolves";
    this.#violate(`has an answer whose ${call} ${answer}`, expected);
  }

  #rejected(error: unknown): void {
    this.state = "over";
    const answer = `rejected with ${nameOfError(error)}`;
    if (isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED") && this.#disturbed) return;
    // A broker that knows that nobody is there need not wait.
    const isHeard = this.#heard.every((heard) => heard());
    if (isTidelaneError(error, "TIDELANE_PUBLISH_FAILED") && (this.#disturbed || !isHeard)) return;
    if (!isTidelaneError(error, "TIDELANE_TIMEOUT")) {
      this.#violate(answer, "a request rejects by its timeout or the end of its connection");
      return;
    }
    const { pace, subject } = this.#stage;
    const now = pace.clock.now();
    const waitedMs = now - this.#askedMs;
    const slackMs = pace.virtual ? 0 : subject.timings.skewMs;
    if (waitedMs + slackMs < this.#timeoutMs || (pace.virtual && waitedMs > this.#timeoutMs)) {
      this.#violate(`${answer} after ${waitedMs} ms`, `its time is over after ${this.#timeoutMs} ms`);
    }
    const marginMs = pace.virtual ? 0 : subject.timings.stepMs;
    const due = this.#replies.find(
      (reply) =>
        this.#isCertain(reply) && (reply.confirmedMs ?? now) + marginMs < this.#askedMs + this.#timeoutMs,
    );
    if (due !== undefined && !this.#disturbed)
      this.#violate(`${answer}, and was answered before`, "it resolves with the first reply");
  }

  #violate(observed: string, expected: string): void {
    const forwarded = this.#heard.length > 1 ? (["forwarded-request-is-answered"] as const) : [];
    this.#stage.violate([...law, ...forwarded], `${this.name} ${observed}`, expected);
  }
}
