import {
  type Connection,
  isTidelaneError,
  type OutgoingMessage,
  type Publisher,
  type PublishOptions,
  type SubscriptionSource,
} from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import type { Departure } from "../model/holdings.ts";
import type { Posting } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import { type Content, compose } from "./outgoing.ts";
import type { Stage } from "./stage.ts";
import { type GroupSpec, SubscriberActor } from "./subscriber-actor.ts";
import { aim, describeOptions, resolve } from "./target.ts";

/** The contract's ways to end a connection. */
export type Ending = "close" | "dispose";

const words: Readonly<Record<Ending, string>> = {
  close: "close the connection",
  dispose: "dispose of the connection",
};

/** Whose publisher a step uses: one the connection has from the start, another, or one that is made for this call. */
export type PublisherChoice = "first" | "second" | "fresh";

/** A connection of the history: it publishes, opens, and ends one way or the other. */
export class ConnectionActor {
  readonly name: string;
  readonly connection: Connection;
  readonly publisher: Publisher;
  /** A second one of the same connection. Between the two there is no order. */
  #other: Publisher | undefined;
  state: "open" | "closing" | "closed" = "open";
  readonly #stage: Stage;
  /** It is "closing" by a crash, which it may survive. */
  #crashing = false;
  /** What last ended it, or was to. */
  #departure: Departure | undefined;
  /** How often something ended it without a goodbye, or tried to. */
  crashes = 0;
  #fresh = 0;
  /** Requests that were not answered. */
  readonly requests: Set<Promise<void>> = new Set();

  constructor(stage: Stage, name: string, connection: Connection) {
    this.#stage = stage;
    this.name = name;
    this.connection = connection;
    this.publisher = connection.publisher();
  }

  /** Resolves with the error when it was refused; never rejects. */
  async publish(content: Content, options?: PublishOptions, by: PublisherChoice = "first"): Promise<unknown> {
    const name = this.#nameOf(by);
    const { posting: facts, message, text } = compose(this.#stage, content, name);
    const { ledger, trace } = this.#stage;
    const posting = ledger.sending(facts);
    const line = trace.line(`publish ${text}${by === "first" ? this.label : ` by ${name}`}`);
    const wasClosed = this.state === "closed";
    try {
      const answer = this.#publisher(by).publish(message, options);
      line.awaits(answer);
      await this.#stage.track(`publish of #${facts.id}`, ["conservation", "close-idempotent"], answer);
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#judgeRefusal(posting, error, wasClosed);
      return error;
    }
    ledger.sent(posting);
    if (wasClosed) this.#stage.judged(["publish-after-close"]);
    if (wasClosed) this.violateClosed(`the publish of #${posting.id} resolved`);
    return undefined;
  }

  /** Publishes what no broker, or not this one, may carry: `spoil` makes it so, and `how` says what is wrong. */
  async publishInvalid(how: string, spoil: (message: OutgoingMessage) => OutgoingMessage): Promise<void> {
    const topic = Object.keys(this.#stage.topics)[0] ?? "A";
    const { posting: facts, message, text } = compose(this.#stage, { topic }, this.name);
    const posting = this.#stage.ledger.sending(facts);
    const line = this.#stage.trace.line(`publish ${text}, with ${how}`);
    const answer = await Promise.resolve()
      .then(() => this.publisher.publish(spoil(message)))
      .then(
        () => "resolved",
        (error: unknown) => error,
      );
    this.#stage.judged(["publish-refuses"]);
    const refused = isTidelaneError(answer, "TIDELANE_INVALID_MESSAGE");
    line.outcome(answer === "resolved" ? answer : nameOfError(answer));
    this.#stage.ledger.notSent(posting, refused ? "publish-refuses" : undefined);
    const closed = isTidelaneError(answer, "TIDELANE_CONNECTION_CLOSED") && this.state !== "open";
    if (refused || closed) return;
    const observed = `publishing #${facts.id} with ${how} ${answer === "resolved" ? answer : `rejected with ${nameOfError(answer)}`}`;
    this.#stage.violate(["publish-refuses"], observed, "it rejects with InvalidMessageError");
  }

  /** After the end, `connection.publisher()` may throw, or give a publisher that refuses every call. */
  #publisher(by: PublisherChoice): Publisher {
    if (by === "first") return this.publisher;
    if (by === "fresh") return this.connection.publisher();
    this.#other ??= this.connection.publisher();
    return this.#other;
  }

  #nameOf(by: PublisherChoice): string {
    if (by === "first") return this.name;
    if (by === "second") return `${this.name}'s second publisher`;
    this.#fresh += 1;
    return `${this.name}'s new publisher ${this.#fresh}`;
  }

  /** `checkTopic`, where there is one: it answers as a publish would. */
  async checkTopic(label: string, by: PublisherChoice = "first"): Promise<void> {
    const { trace, ledger } = this.#stage;
    const line = trace.line(`checkTopic ${label}${this.label}`);
    const wasClosed = this.state === "closed";
    const error = await Promise.resolve()
      .then(() => this.#publisher(by).checkTopic?.(this.#stage.topic(label)))
      .then(
        () => undefined,
        (reason: unknown) => reason ?? new Error("nothing"),
      );
    line.outcome(error === undefined ? "resolved" : nameOfError(error));
    const closed = isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED");
    const answer = error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`;
    if (wasClosed) {
      if (!closed && this.publisher.checkTopic !== undefined) this.violateClosed(`checkTopic() ${answer}`);
      return;
    }
    const mayRefuse =
      this.state !== "open" ||
      this.#departure !== undefined ||
      this.#stage.topics[label]?.capacity !== undefined;
    if (error === undefined || mayRefuse || ledger.isOpening(this.#stage.topic(label))) return;
    const expected = "it resolves where a publish would find a place";
    this.#stage.violate(["capabilities-match"], `checkTopic("${label}") ${answer}`, expected);
  }

  open(wanted: GroupSpec): Promise<SubscriberActor | undefined> {
    const spec = this.#stage.subject.capabilities.groups ? wanted : withoutGroup(wanted);
    const opening = this.#open(spec);
    this.#stage.opening.add(opening);
    return opening.finally(() => this.#stage.opening.delete(opening));
  }

  /** Ends it, also when it is already ending or over. */
  async close(way: Ending = "close"): Promise<void> {
    const line = this.#stage.trace.line(`${words[way]}${this.label}`);
    if (this.state === "open") this.state = "closing";
    this.#departure ??= "close";
    for (const each of this.#stage.subscribers) if (each.connection === this) each.left = true;
    for (const subscriber of this.#subscribers()) this.#stage.ledger.leaving(subscriber.seat, "close");
    const laws = ["close-idempotent"] as const;
    this.#stage.judged(laws);
    try {
      const answer = this.#end(way);
      line.awaits(answer);
      await this.#stage.track(`${way}() of ${this.name}`, laws, answer);
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#stage.violate(laws, `${way}() rejected with ${nameOfError(error)}`, "it never throws");
    }
    this.#gone("close");
  }

  #end(way: Ending): Promise<void> {
    if (way === "close") return this.connection.close();
    return Promise.resolve(this.connection[Symbol.asyncDispose]());
  }

  async kill(): Promise<void> {
    const { fixture } = this.#stage.subject;
    if (fixture.kill === undefined) return;
    this.#stage.trace.line(`kill${this.label}`);
    this.dying();
    await fixture.kill(this.connection);
    this.died();
  }

  /** Something is about to end it without a goodbye. */
  dying(): void {
    this.crashes += 1;
    this.#stage.ledger.departing("crash");
    this.#departure = "crash";
    this.#crashing = this.state === "open";
    if (this.#crashing) this.state = "closing";
    for (const subscriber of this.#subscribers()) this.#stage.ledger.leaving(subscriber.seat, "crash");
  }

  /** It has ended. An adapter may reconnect by itself; then its subscriptions live on. */
  died(): void {
    if (this.connection.state === "closed") {
      this.#gone("crash");
      return;
    }
    if (this.#crashing) this.state = "open";
    for (const subscriber of this.#subscribers()) this.#stage.ledger.left(subscriber.seat, "crash", true);
  }

  /** At rest its state says what has become of it. */
  rested(): void {
    const { state } = this.connection;
    if (this.state === "closed" && state !== "closed") {
      const observed = `${this.name} says "${state}" after its end`;
      this.#stage.violate(["close-idempotent"], observed, 'it is "closed", and stays so');
    }
    if (this.state !== "open" || this.#departure !== undefined || state === "open") return;
    const observed = `${this.name} says "${state}", and nothing has happened to it`;
    const laws = ["capabilities-match", "conservation"] as const;
    if (this.#stage.pace.virtual || state === "closed") this.#stage.violate(laws, observed, 'it is "open"');
  }

  /** For what was asked of it after its end. */
  violateClosed(observed: string): void {
    const expected = "after close() every call rejects with ConnectionClosedError";
    this.#stage.violate(["publish-after-close"], `after the end of ${this.name} ${observed}`, expected);
  }

  /** ` on c2`, where there is more than one. */
  get label(): string {
    return this.#stage.connections.length > 1 ? ` on ${this.name}` : "";
  }

  async #open(spec: GroupSpec): Promise<SubscriberActor | undefined> {
    const { ledger, trace, subscribers } = this.#stage;
    const name = this.#stage.nextSubscriber();
    const { source, target } = aim(this.#stage, spec);
    const group = spec.options.group === undefined ? "" : ` in group ${spec.options.group}`;
    const line = trace.line(
      `open ${name} on ${spec.topic}${group}${describeOptions(spec.options)}${this.label}`,
    );
    const seat = ledger.opening({
      seat: name,
      group: spec.options.group,
      target,
      connection: this.name,
      options: resolve(this.#stage, spec.options),
      capabilities: source.capabilities,
    });
    this.#stage.specs.set(seat.group, spec);
    const wasClosed = this.state === "closed";
    if (wasClosed) this.#stage.judged(["publish-after-close"]);
    try {
      const answer = this.connection.subscribe(source);
      line.awaits(answer);
      const handle = await answer;
      const actor = new SubscriberActor(this.#stage, { name, spec, seat, handle, connection: this });
      subscribers.push(actor);
      ledger.opened(seat);
      checkHandle(this.#stage, actor, source);
      if (wasClosed) this.violateClosed(`${name} was opened`);
      if (this.state !== "open") this.#takeAlong(actor);
      return actor;
    } catch (error) {
      line.outcome(nameOfError(error));
      ledger.openFailed(seat);
      const observed = `opening ${name} rejected with ${nameOfError(error)}`;
      if (isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED") && this.state !== "open") return undefined;
      if (wasClosed) this.violateClosed(observed);
      else this.#stage.violate(["conservation", "capabilities-match"], observed, "a source opens");
      return undefined;
    }
  }

  /** It was opened while its connection ended: it is over with the connection. */
  #takeAlong(actor: SubscriberActor): void {
    const how = this.#departure ?? "close";
    actor.openedAtEnd = true;
    this.#stage.ledger.leaving(actor.seat, how);
    if (this.state !== "closed") return;
    actor.endedBy = how;
    this.#stage.ledger.left(actor.seat, how);
  }

  #gone(how: Departure): void {
    this.state = "closed";
    this.#departure = how;
    for (const subscriber of this.#subscribers()) {
      subscriber.endedBy = how;
      this.#stage.ledger.left(subscriber.seat, how);
    }
    if (this.connection.state === "closed") return;
    const observed = `the state is "${this.connection.state}" after the ${how} of ${this.name}`;
    this.#stage.violate(["close-idempotent"], observed, 'it is "closed"');
  }

  #subscribers(): SubscriberActor[] {
    return this.#stage.subscribers.filter(
      (subscriber) => subscriber.connection === this && subscriber.seat.state !== "closed",
    );
  }

  #judgeRefusal(posting: Posting, error: unknown, wasClosed: boolean): void {
    const { ledger, subject } = this.#stage;
    const closed = isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED") && this.state !== "open";
    const opening = ledger.overlapsFirstOpening(posting);
    const failed =
      isTidelaneError(error, "TIDELANE_PUBLISH_FAILED") &&
      error.retryable &&
      (ledger.overlapsDeparture(posting) || (subject.fixture.refusesWhileOpening === true && opening));
    const aborted = isTidelaneError(error, "TIDELANE_ABORTED");
    const invalid = isTidelaneError(error, "TIDELANE_INVALID_MESSAGE");
    if (closed) ledger.notSent(posting, wasClosed ? "publish-after-close" : undefined);
    else if (aborted)
      ledger.notSent(posting, subject.promises.abortSendsNothing ? "abort-is-prompt" : undefined);
    else ledger.notSent(posting, invalid ? "publish-refuses" : undefined);
    const observed = `the publish of #${posting.id} rejected with ${nameOfError(error)}`;
    if (closed || failed || aborted || (invalid && posting.refusable === true)) return;
    if (wasClosed) this.violateClosed(observed);
    else {
      const laws: LawName[] = ["conservation", "capabilities-match"];
      if (opening) laws.push("backlog");
      if (posting.at !== "plain")
        laws.push(posting.at === "payload" ? "payload-fidelity" : "header-fidelity");
      this.#stage.violate(laws, observed, "it resolves");
    }
  }
}

/** On a broker without groups every subscription is on its own. */
function withoutGroup({ options: { group: _group, ...options }, ...spec }: GroupSpec): GroupSpec {
  return { ...spec, options };
}

/** A subscriber says of itself what its source and its broker say. */
function checkHandle(stage: Stage, { handle, name }: SubscriberActor, source: SubscriptionSource): void {
  const law = ["capabilities-match"] as const;
  if (handle.topic !== source.topic) {
    const observed = `${name} says that its topic is "${handle.topic}", and its source "${source.topic}"`;
    stage.violate(law, observed, "they say the same");
  }
  if (!stage.pace.virtual || handle.clock === undefined || handle.clock === stage.pace.clock) return;
  stage.violate(law, `the clock of ${name} is not that of its broker`, "it is the clock its broker goes by");
}
