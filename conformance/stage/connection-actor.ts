import {
  type Connection,
  isTidelaneError,
  type OutgoingMessage,
  type Publisher,
  type PublishOptions,
} from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import type { Departure } from "../model/holdings.ts";
import type { Posting } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import { type Content, compose } from "./outgoing.ts";
import type { Stage } from "./stage.ts";
import { type GroupSpec, SubscriberActor } from "./subscriber-actor.ts";
import { aim, resolve } from "./target.ts";

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
  /** Requests that were not answered. */
  readonly requests: Set<Promise<void>> = new Set();

  constructor(stage: Stage, name: string, connection: Connection) {
    this.#stage = stage;
    this.name = name;
    this.connection = connection;
    this.publisher = connection.publisher();
  }

  /** Resolves with the error when it was refused; never rejects. */
  async publish(
    content: Content,
    options?: PublishOptions,
    by: "first" | "second" = "first",
  ): Promise<unknown> {
    const name = by === "first" ? this.name : `${this.name}'s second publisher`;
    const { posting: facts, message, text } = compose(this.#stage, content, name);
    const { ledger, trace } = this.#stage;
    const posting = ledger.sending(facts);
    const line = trace.line(`publish ${text}${by === "first" ? this.label : ` by ${name}`}`);
    const wasClosed = this.state === "closed";
    try {
      const answer = this.#publisher(by).publish(message, options);
      await this.#stage.track(`publish of #${facts.id}`, ["conservation", "shutdown-idempotent"], answer);
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#judgeRefusal(posting, error, wasClosed);
      return error;
    }
    ledger.sent(posting);
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
    const refused = isTidelaneError(answer, "TIDELANE_INVALID_MESSAGE");
    line.outcome(answer === "resolved" ? answer : nameOfError(answer));
    this.#stage.ledger.notSent(posting, refused ? "publish-refuses" : undefined);
    if (refused) return;
    const observed = `publishing #${facts.id} with ${how} ${answer === "resolved" ? answer : `rejected with ${nameOfError(answer)}`}`;
    this.#stage.violate(["publish-refuses"], observed, "it rejects with InvalidMessageError");
  }

  #publisher(by: "first" | "second"): Publisher {
    if (by === "first") return this.publisher;
    this.#other ??= this.connection.publisher();
    return this.#other;
  }

  open(wanted: GroupSpec): Promise<SubscriberActor | undefined> {
    const spec = this.#stage.subject.capabilities.groups ? wanted : withoutGroup(wanted);
    const opening = this.#open(spec);
    this.#stage.opening.add(opening);
    return opening.finally(() => this.#stage.opening.delete(opening));
  }

  /** `shutdown()`, also when it is already going on or over. */
  async shutdown(): Promise<void> {
    const line = this.#stage.trace.line(`shutdown${this.label}`);
    if (this.state === "open") this.state = "closing";
    for (const subscriber of this.#subscribers()) this.#stage.ledger.leaving(subscriber.seat, "shutdown");
    const laws = ["shutdown-idempotent"] as const;
    try {
      await this.#stage.track(`shutdown of ${this.name}`, laws, this.connection.shutdown());
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#stage.violate(laws, `shutdown rejected with ${nameOfError(error)}`, "it never throws");
    }
    this.#gone("shutdown");
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
    this.#stage.ledger.departing("crash");
    this.#crashing = this.state === "open";
    if (this.#crashing) this.state = "closing";
    for (const subscriber of this.#subscribers()) this.#stage.ledger.leaving(subscriber.seat, "crash");
  }

  /** It has ended. An adapter may come back by itself; then its subscriptions live on. */
  died(): void {
    if (this.connection.state === "closed") {
      this.#gone("crash");
      return;
    }
    if (this.#crashing) this.state = "open";
    for (const subscriber of this.#subscribers()) this.#stage.ledger.left(subscriber.seat, "crash", true);
  }

  /** For what was asked of it after its end. */
  violateClosed(observed: string): void {
    const expected = "after shutdown every call rejects with ConnectionClosedError";
    this.#stage.violate(["publish-after-shutdown"], `after the end of ${this.name} ${observed}`, expected);
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
    const line = trace.line(`open ${name} on ${spec.topic}${group}${this.label}`);
    const seat = ledger.opening({
      seat: name,
      group: spec.options.group,
      target,
      connection: this.name,
      options: resolve(this.#stage, spec.options),
      capabilities: source.capabilities,
    });
    const wasClosed = this.state === "closed";
    try {
      const handle = await this.connection.subscribe(source);
      const actor = new SubscriberActor(this.#stage, { name, spec, seat, handle, connection: this });
      subscribers.push(actor);
      ledger.opened(seat);
      if (wasClosed) this.violateClosed(`${name} was opened`);
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

  #gone(how: Departure): void {
    this.state = "closed";
    for (const subscriber of this.#subscribers()) {
      subscriber.endedBy = how;
      this.#stage.ledger.left(subscriber.seat, how);
    }
    if (this.connection.state === "closed") return;
    const observed = `the state is "${this.connection.state}" after ${how} of ${this.name}`;
    this.#stage.violate(["shutdown-idempotent"], observed, 'it is "closed"');
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
    if (closed) ledger.notSent(posting, wasClosed ? "publish-after-shutdown" : undefined);
    else if (aborted)
      ledger.notSent(posting, subject.promises.abortSendsNothing ? "abort-is-prompt" : undefined);
    else ledger.notSent(posting, invalid ? "publish-refuses" : undefined);
    const observed = `the publish of #${posting.id} rejected with ${nameOfError(error)}`;
    if (closed || failed || aborted || (invalid && posting.at !== "plain")) return;
    if (wasClosed) this.violateClosed(observed);
    else {
      const laws: LawName[] = ["conservation", "capabilities-match"];
      if (opening) laws.push("backlog");
      this.#stage.violate(laws, observed, "it resolves");
    }
  }
}

/** On a broker without groups every subscription is on its own. */
function withoutGroup({ options: { group: _group, ...options }, ...spec }: GroupSpec): GroupSpec {
  return { ...spec, options };
}
