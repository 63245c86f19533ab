import {
  type Connection,
  type HeaderValue,
  isTidelaneError,
  type Publisher,
  type PublishOptions,
} from "../../src/traits/index.ts";
import type { Departure } from "../model/holdings.ts";
import { idHeader, type Posting, tagged } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";
import { type GroupSpec, SubscriberActor } from "./subscriber-actor.ts";
import { aim, resolve } from "./target.ts";

/** What a step publishes. The id is put in front of the payload, unless the payload is to be sent as it is. */
export interface Content {
  readonly topic: string;
  readonly key?: string | undefined;
  readonly payload?: Uint8Array;
  readonly bare?: boolean;
  readonly headers?: readonly (readonly [name: string, value: HeaderValue])[];
}

const nothing = new Uint8Array();

/** A connection of the history: it publishes, opens, and ends one way or the other. */
export class ConnectionActor {
  readonly name: string;
  readonly connection: Connection;
  readonly publisher: Publisher;
  state: "open" | "closing" | "closed" = "open";
  readonly #stage: Stage;

  constructor(stage: Stage, name: string, connection: Connection) {
    this.#stage = stage;
    this.name = name;
    this.connection = connection;
    this.publisher = connection.publisher();
  }

  async publish(content: Content, options?: PublishOptions): Promise<void> {
    const { ledger, trace } = this.#stage;
    const posting = ledger.sending(this.#postingOf(content));
    const line = trace.line(`publish ${describe(posting, content, this.#label())}`);
    const wasClosed = this.state === "closed";
    const message = {
      topic: posting.topic,
      payload: posting.payload,
      headers: posting.headers,
      ...(posting.key === undefined ? {} : { key: posting.key }),
    };
    try {
      await this.#stage.track(
        `publish of #${posting.id}`,
        ["conservation", "shutdown-idempotent"],
        this.publisher.publish(message, options),
      );
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#judgeRefusal(posting, error, wasClosed);
      return;
    }
    ledger.sent(posting);
    if (wasClosed) this.#violateClosed(`the publish of #${posting.id} resolved`);
  }

  async open(spec: GroupSpec): Promise<SubscriberActor | undefined> {
    const { ledger, trace, subscribers } = this.#stage;
    const name = `s${subscribers.length + 1}`;
    const { source, target } = aim(this.#stage, spec);
    const group = spec.options.group === undefined ? "" : ` in group ${spec.options.group}`;
    const line = trace.line(`open ${name} on ${spec.topic}${group}${this.#label()}`);
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
      if (wasClosed) this.#violateClosed(`${name} was opened`);
      return actor;
    } catch (error) {
      line.outcome(nameOfError(error));
      ledger.openFailed(seat);
      if (!wasClosed && this.state === "open") {
        this.#stage.violate(
          ["conservation"],
          `opening ${name} failed with ${nameOfError(error)}`,
          "a source opens",
        );
      }
      return undefined;
    }
  }

  /** `shutdown()`, also when it is already going on or over. */
  async shutdown(): Promise<void> {
    const line = this.#stage.trace.line(`shutdown${this.#label()}`);
    if (this.state === "open") this.state = "closing";
    for (const subscriber of this.#subscribers()) this.#stage.ledger.leaving(subscriber.seat, "shutdown");
    try {
      await this.#stage.track(
        `shutdown of ${this.name}`,
        ["shutdown-idempotent"],
        this.connection.shutdown(),
      );
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#stage.violate(
        ["shutdown-idempotent"],
        `shutdown rejected with ${nameOfError(error)}`,
        "it never throws",
      );
    }
    this.#gone("shutdown");
  }

  /** The connection dies. An adapter may come back by itself; then its subscriptions live on. */
  async kill(): Promise<void> {
    const { fixture } = this.#stage.subject;
    if (fixture.kill === undefined) return;
    this.#stage.trace.line(`kill${this.#label()}`);
    for (const subscriber of this.#subscribers()) this.#stage.ledger.leaving(subscriber.seat, "crash");
    await fixture.kill(this.connection);
    if (this.connection.state === "closed") return this.#gone("crash");
    for (const subscriber of this.#subscribers()) this.#stage.ledger.left(subscriber.seat, "crash", true);
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

  #postingOf(content: Content): Omit<Posting, "startedAt" | "confirmedAt" | "state"> {
    const id = this.#stage.nextMessage();
    const { payload = nothing, bare = false, headers = [], key } = content;
    return {
      id,
      topic: this.#stage.topic(content.topic),
      key,
      payload: bare ? payload : tagged(id, payload),
      headers: [[idHeader, String(id)], ...headers],
      publisher: this.name,
      at: content.headers !== undefined ? "headers" : content.payload !== undefined ? "payload" : "plain",
    };
  }

  #judgeRefusal(posting: Posting, error: unknown, wasClosed: boolean): void {
    const { ledger, subject } = this.#stage;
    const closed = isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED") && this.state !== "open";
    const aborted = isTidelaneError(error, "TIDELANE_ABORTED");
    const invalid = isTidelaneError(error, "TIDELANE_INVALID_MESSAGE");
    if (closed) ledger.notSent(posting, wasClosed ? "publish-after-shutdown" : undefined);
    else if (aborted)
      ledger.notSent(posting, subject.promises.abortSendsNothing ? "abort-is-prompt" : undefined);
    else ledger.notSent(posting, invalid ? "publish-refuses" : undefined);
    const observed = `the publish of #${posting.id} rejected with ${nameOfError(error)}`;
    if (closed || aborted || (invalid && posting.at !== "plain")) return;
    if (wasClosed) this.#violateClosed(observed);
    else this.#stage.violate(["conservation", "capabilities-match"], observed, "it resolves");
  }

  #violateClosed(observed: string): void {
    const expected = "after shutdown every call rejects with ConnectionClosedError";
    this.#stage.violate(["publish-after-shutdown"], `after the end of ${this.name} ${observed}`, expected);
  }

  /** ` on c2`, where there is more than one. */
  #label(): string {
    return this.#stage.connections.length > 1 ? ` on ${this.name}` : "";
  }
}

function describe(posting: Posting, content: Content, where: string): string {
  const key = posting.key === undefined ? "" : `, key ${JSON.stringify(posting.key)}`;
  const { byteLength } = posting.payload;
  const size = posting.at === "plain" ? "" : `, ${byteLength} ${byteLength === 1 ? "byte" : "bytes"}`;
  const headers = (content.headers ?? []).map(([name, value]) => `, ${name}: ${showValue(value)}`).join("");
  return `#${posting.id} to ${content.topic}${where}${key}${size}${headers}`;
}

function showValue(value: HeaderValue): string {
  return typeof value === "string" ? JSON.stringify(value) : `<${Buffer.from(value).toString("hex")}>`;
}
