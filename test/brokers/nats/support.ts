import { channel } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import { connectSettings, dial } from "../../../src/brokers/nats/connection/dial.ts";
import {
  JetStreamBroker,
  type JetStreamConnection,
  type JetStreamOptions,
  type JetStreamSubscribeOptions,
  type JetStreamSubscriber,
  NatsBroker,
  type NatsOptions,
} from "../../../src/brokers/nats/index.ts";
import { VirtualClock } from "../../../src/testing/index.ts";
import type { DiagnosticEvents, DiagnosticName, Message, Subscriber } from "../../../src/traits/index.ts";
import { FakeNats } from "./fake/fake-nats.ts";

/** Core NATS over the fake, on a virtual clock. */
export async function setUpCore(options: NatsOptions = {}) {
  const clock = new VirtualClock();
  const nats = new FakeNats(clock);
  const broker = new NatsBroker({ clock, client: nats, ...options });
  return { clock, nats, broker, connection: await broker.connect() };
}

/** What core NATS is made of, over the fake. */
export async function setUpCoreConnection() {
  const clock = new VirtualClock();
  const nats = new FakeNats(clock);
  return { clock, nats, session: await dial(connectSettings({ clock, client: nats }, "nats"), undefined) };
}

/** JetStream over the fake, with a stream "S" of the subjects "s.>". */
export async function setUpJetStream(options: JetStreamOptions = {}) {
  const clock = new VirtualClock();
  const nats = new FakeNats(clock);
  const broker = new JetStreamBroker({ clock, client: nats, ...options });
  const connection = await broker.connect();
  await connection.createStream("S", { subjects: ["s.>"] });
  const jetStream = nats.jetStream;
  return { clock, nats, jetStream, stream: jetStream.stream("S"), broker, connection };
}

/** With a group "g" that is made here and starts at the first message. */
export function openGroup(
  connection: JetStreamConnection,
  options: JetStreamSubscribeOptions = {},
): Promise<JetStreamSubscriber> {
  const defaults = { group: "g", from: "start" } as const;
  return connection.subscribe("s.a", { ...defaults, ...options });
}

export async function store(connection: JetStreamConnection, ...payloads: string[]): Promise<void> {
  const publisher = connection.publisher();
  for (const payload of payloads) await publisher.publish({ topic: "s.a", payload });
}

/** The next messages of a loop that stays open. */
export class Loop<M extends Message> {
  readonly #iterator: AsyncIterator<M, undefined>;
  readonly #clock: VirtualClock;

  constructor(subscriber: Subscriber<M>, clock: VirtualClock) {
    this.#iterator = subscriber[Symbol.asyncIterator]();
    this.#clock = clock;
  }

  async next(): Promise<M> {
    const result = await this.#iterator.next();
    if (result.done) throw new Error("the subscription is over");
    return result.value;
  }

  async take(count: number): Promise<M[]> {
    const taken: M[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** What becomes of a `next()` while time stands still: a message, "nothing", "done" or the error. */
  async peek(): Promise<M | "nothing" | "done" | Error> {
    let found: M | "nothing" | "done" | Error = "nothing";
    this.#iterator.next().then(
      (result) => {
        found = result.done ? "done" : result.value;
      },
      (error: Error) => {
        found = error;
      },
    );
    await this.#clock.flush();
    return found;
  }

  async end(): Promise<void> {
    await this.#iterator.return?.();
  }
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

/** Events of a channel as they come, until the end of the test. */
export function events<Name extends DiagnosticName>(name: Name): DiagnosticEvents[Name][] {
  const seen: DiagnosticEvents[Name][] = [];
  const listener = (event: unknown): void => {
    seen.push(event as DiagnosticEvents[Name]);
  };
  channel(name).subscribe(listener);
  onTestFinished(() => {
    channel(name).unsubscribe(listener);
  });
  return seen;
}

/** The error a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not reject");
}
