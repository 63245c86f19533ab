import {
  isTidelaneError,
  type Message,
  type Seekable,
  type Subscriber,
  type SubscriberIterator,
} from "../../src/traits/index.ts";
import { isPositioned } from "../abilities.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import type { Stage } from "./stage.ts";

const law = ["seek-lands"] as const;

/** Reads a retained topic by moving in it. The reference is a list and a cursor. */
export class LogReader {
  readonly #stage: Stage;
  readonly #connection: ConnectionActor;
  readonly #subscriber: Subscriber & Seekable<unknown>;
  readonly #acks: boolean;
  readonly #iterator: SubscriberIterator;
  /** The topic: what stands at each place, and its position once it was delivered. */
  readonly #log: { readonly text: string; position: unknown }[] = [];
  /** The place that is delivered next. */
  #cursor = 0;
  #inFlight: Message[] = [];

  constructor(
    stage: Stage,
    connection: ConnectionActor,
    subscriber: Subscriber & Seekable<unknown>,
    acks: boolean,
  ) {
    this.#stage = stage;
    this.#connection = connection;
    this.#subscriber = subscriber;
    this.#acks = acks;
    this.#iterator = subscriber[Symbol.asyncIterator]();
  }

  get length(): number {
    return this.#log.length;
  }

  async publish(): Promise<void> {
    const text = `entry ${this.#log.length}`;
    this.#stage.trace.line(`publish "${text}"`);
    await this.#connection.publisher.publish({ topic: this.#stage.topic("A"), payload: text });
    this.#log.push({ text, position: undefined });
  }

  /** Takes the next `count`, or as many as there are. */
  async pull(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const entry = this.#log[this.#cursor];
      if (entry === undefined) return;
      const line = this.#stage.trace.line("pull");
      const next = this.#iterator.next();
      const came = await this.#stage.pace.within(next, this.#stage.subject.timings.arrivalMs);
      const message = came ? (await next).value : undefined;
      line.outcome(message === undefined ? "nothing" : `"${message.text()}"`);
      if (message?.text() !== entry.text) {
        const observed = message === undefined ? "nothing came" : `"${message.text()}" came`;
        this.#stage.violate(law, observed, `the next delivery is "${entry.text}"`);
      }
      this.#stage.check();
      if (message === undefined) return;
      this.#cursor += 1;
      if (isPositioned(message)) entry.position = message.position;
      if (this.#acks) await message.ack();
      else this.#inFlight.push(message);
    }
  }

  /** To the place of an entry that was delivered before. */
  async seekTo(index: number): Promise<void> {
    const known = this.#log.filter(({ position }) => position !== undefined);
    const entry = known[index % Math.max(1, known.length)];
    if (entry === undefined) return;
    await this.#seek(`"${entry.text}"`, entry.position, this.#log.indexOf(entry));
  }

  async seekNamed(name: string, position: unknown, place: number): Promise<void> {
    if (position !== undefined) await this.#seek(name, position, place);
  }

  async seekNowhere(position: unknown): Promise<void> {
    if (position === undefined) return;
    const line = this.#stage.trace.line("seek to a position that is not there");
    const error = await this.#subscriber.seek(position).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    line.outcome(error === undefined ? "resolved" : nameOfError(error));
    if (isTidelaneError(error, "TIDELANE_POSITION_UNAVAILABLE")) return;
    const observed = `seek to a position that is not there ${error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`}`;
    this.#stage.violate(law, observed, "it rejects with PositionUnavailableError");
  }

  async #seek(name: string, position: unknown, place: number): Promise<void> {
    const line = this.#stage.trace.line(`seek to ${name}`);
    const revoked = this.#inFlight;
    this.#inFlight = [];
    try {
      await this.#subscriber.seek(position);
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#stage.violate(law, `seek to ${name} rejected with ${nameOfError(error)}`, "it resolves");
    }
    this.#cursor = place;
    for (const message of revoked) await this.#checkRevoked(message);
  }

  async #checkRevoked(message: Message): Promise<void> {
    const error = await message.ack().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED") && message.signal.aborted) return;
    const answer = error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`;
    const observed = `ack() of "${message.text()}", in flight at a seek, ${answer}`;
    this.#stage.violate(
      law,
      observed,
      "it is revoked: it rejects with DeliveryRevokedError and its signal has aborted",
    );
  }
}
