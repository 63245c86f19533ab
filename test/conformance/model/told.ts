import type { Capabilities } from "tidelane";
import { RecordingMessage } from "tidelane/testing";
import type { SourceOptions, StrictPromises } from "../../../conformance/fixture.ts";
import type { LawName, LawViolation } from "../../../conformance/law.ts";
import { Ledger } from "../../../conformance/model/ledger.ts";
import type { Posting, PostingFacts } from "../../../conformance/model/posting.ts";
import type { Delivery, Seat, SettleHow } from "../../../conformance/model/records.ts";

const capabilities: Capabilities = {
  settlement: "ack",
  requeue: true,
  delayedRequeue: "native",
  deliveryCount: "broker",
  order: "topic",
  partitionKey: true,
  groups: true,
  backlog: false,
  maxInFlight: 2,
  deadLetter: false,
  batches: false,
  seek: false,
  pause: false,
};

/** A ledger that is told of a broker's doings by hand, on a clock that is set by hand. */
export class Told {
  readonly ledger: Ledger;
  /** How often each law was judged. */
  readonly judged: Map<LawName, number> = new Map();
  readonly #violations: LawViolation[] = [];
  now = 0;
  /** Until when timers have fired. @default now */
  firedUntil: number | undefined = undefined;
  #ids = 0;
  #seats = 0;
  readonly #counts: Map<number, number> = new Map();

  constructor(promises: StrictPromises = {}, rebalances = false, forgetsCounts = false, virtual = true) {
    this.ledger = new Ledger({
      promises,
      rebalances,
      forgetsCounts,
      virtual,
      skewMs: 0,
      addedHeaders: new Set(),
      isBounded: () => false,
      comparePositions: (a, b) => (a as number) - (b as number),
      now: () => this.now,
      firedUntil: () => this.firedUntil ?? this.now,
      report: (violation) => this.#violations.push(violation),
      judged: (laws) => {
        for (const law of laws) this.judged.set(law, (this.judged.get(law) ?? 0) + 1);
      },
    });
  }

  /** The laws of each violation so far, and forgets them. */
  broken(): LawName[][] {
    return this.#violations.splice(0).map(({ laws }) => [...laws]);
  }

  open(
    facts: {
      /** null: without one. @default "g" */
      group?: string | null;
      options?: SourceOptions;
      capabilities?: Partial<Capabilities>;
      connection?: string;
      topic?: string;
    } = {},
  ): Seat {
    const seat = this.begin(facts);
    this.ledger.opened(seat);
    return seat;
  }

  /** A subscription is being opened; it is not yet. */
  begin(facts: Parameters<Told["open"]>[0] = {}): Seat {
    this.#seats += 1;
    const label = facts.topic ?? "A";
    return this.ledger.opening({
      seat: `s${this.#seats}`,
      group: facts.group === null ? undefined : (facts.group ?? "g"),
      target: { label, pattern: false, covers: (topic) => topic === label },
      connection: facts.connection ?? "c1",
      options: facts.options ?? {},
      capabilities: { ...capabilities, ...facts.capabilities },
    });
  }

  publish(key?: string, confirmation: "broker" | "none" = "broker", publisher = "c1"): Posting {
    const posting = this.send({ key, confirmation, publisher });
    this.ledger.sent(posting);
    return posting;
  }

  /** Calls publish; its answer is still to come. */
  send(facts: Partial<PostingFacts> = {}): Posting {
    this.#ids += 1;
    return this.ledger.sending({
      id: this.#ids,
      topic: "A",
      key: undefined,
      payload: new TextEncoder().encode(`#${this.#ids};`),
      headers: [["x-case", String(this.#ids)]],
      publisher: "c1",
      confirmation: "broker",
      at: "plain",
      ...facts,
    });
  }

  deliver(
    seat: Seat,
    posting: Posting,
    changes: { deliveryCount?: number; payload?: string; trace?: string; position?: number } = {},
  ): Delivery {
    const count = (this.#counts.get(posting.id) ?? 0) + 1;
    this.#counts.set(posting.id, count);
    const message = new RecordingMessage({
      topic: "A",
      payload: changes.payload ?? posting.payload,
      headers: { "x-case": String(posting.id), ...(changes.trace ? { trace: changes.trace } : {}) },
      deliveryCount: changes.deliveryCount ?? count,
      ...(posting.key === undefined ? {} : { partitionKey: posting.key }),
    });
    if (changes.position !== undefined) Object.assign(message, { position: changes.position });
    const delivery = this.ledger.delivered(seat, message, this.ledger.event);
    if (delivery === undefined) throw new Error("the ledger does not know the message");
    return delivery;
  }

  settle(delivery: Delivery, how: SettleHow, delayMs = 0, error?: unknown): void {
    this.ledger.settled(delivery, this.ledger.settling(delivery, how, delayMs), error);
  }

  leave(seat: Seat, how: "close" | "crash"): void {
    this.ledger.leaving(seat, how);
    for (const { message, seat: holder } of this.ledger.deliveries) {
      if (holder === seat && message instanceof RecordingMessage) message.revoke("gone");
    }
    this.ledger.left(seat, how);
  }
}
