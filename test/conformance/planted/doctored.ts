import {
  type Clock,
  MemoryBroker,
  type MemoryConnection,
  type MemoryMessage,
  type MemoryPublisher,
  type MemorySubscriber,
  type memorySource,
  type SubscribeOptions,
  type SubscriberIterator,
} from "tidelane";
import type { Fixture, LawName } from "tidelane/conformance";
import { memoryFixture, memoryOptions } from "../memory-fixture.ts";

/** What is changed about a sound memory broker. Each gets the real object and gives the members it replaces. */
export interface Doctor {
  connection?(real: MemoryConnection): Partial<MemoryConnection>;
  publisher?(real: MemoryPublisher): Partial<MemoryPublisher>;
  options?(options: SubscribeOptions): SubscribeOptions;
  subscriber?(real: MemorySubscriber): Partial<MemorySubscriber>;
  iterator?(real: Required<SubscriberIterator<MemoryMessage>>): Partial<SubscriberIterator<MemoryMessage>>;
  message?(real: MemoryMessage): Partial<MemoryMessage>;
}

/** One defect, and the law that must notice. */
export interface Fault {
  readonly defect: string;
  readonly law: LawName;
  /** Called for each broker, so that a defect can remember something. */
  readonly doctor: (clock: Clock) => Doctor;
  /** What the broker wrongly claims, where the defect is a claim. */
  readonly claims?: Partial<ReturnType<typeof memorySource>["capabilities"]>;
  readonly fixture?: Partial<Fixture<MemoryConnection>>;
}

/** `target`, but for what `changes` has. Methods that are not replaced run on the real object. */
export function override<T extends object>(target: T, changes: Partial<T> | undefined): T {
  if (changes === undefined) return target;
  return new Proxy(target, {
    get(real, property) {
      if (property in changes) return Reflect.get(changes, property, changes);
      const value: unknown = Reflect.get(real, property, real);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
}

/** The memory fixture with one defect in it. */
export function faultyFixture(fault: Fault): Fixture<MemoryConnection> {
  return {
    ...memoryFixture,
    ...fault.fixture,
    name: "memory",
    broker: (environment) => {
      const broker = new MemoryBroker(memoryOptions(environment));
      const doctor = fault.doctor(environment.clock);
      return {
        name: broker.name,
        connect: async (options) => connection(await broker.connect(options), doctor),
      };
    },
    source: (topic, options) => claiming(memoryFixture.source(topic, options), fault),
  };
}

function claiming<S extends ReturnType<Fixture<MemoryConnection>["source"]>>(
  source: S,
  { claims }: Fault,
): S {
  return claims === undefined ? source : { ...source, capabilities: { ...source.capabilities, ...claims } };
}

function connection(real: MemoryConnection, doctor: Doctor): MemoryConnection {
  const publisher = override(real.publisher(), doctor.publisher?.(real.publisher()));
  const changes: Partial<MemoryConnection> = {
    publisher: () => publisher,
    subscribePattern: async (pattern, options = {}) =>
      subscriber(await real.subscribePattern(pattern, doctor.options?.(options) ?? options), doctor),
  };
  const own = doctor.connection?.(real) ?? {};
  // A getter stays one.
  Object.defineProperties(changes, Object.getOwnPropertyDescriptors(own));
  const open = own.subscribe ?? real.subscribe.bind(real);
  changes.subscribe = (async (
    target: string | ReturnType<typeof memorySource>,
    options: SubscribeOptions = {},
  ) => {
    if (typeof target === "object") return target.open(doctored);
    return subscriber(await open(target, doctor.options?.(options) ?? options), doctor);
  }) as MemoryConnection["subscribe"];
  const doctored = override(real, changes);
  return doctored;
}

function subscriber(real: MemorySubscriber, doctor: Doctor): MemorySubscriber {
  const changes = doctor.subscriber?.(real) ?? {};
  return override(real, {
    [Symbol.asyncIterator]: () => iterator(real[Symbol.asyncIterator](), doctor),
    batches: (options) => batches(real.batches(options), doctor),
    ...changes,
  });
}

function iterator(
  given: SubscriberIterator<MemoryMessage>,
  doctor: Doctor,
): SubscriberIterator<MemoryMessage> {
  const bare = given as Required<SubscriberIterator<MemoryMessage>>;
  const real = override(bare, doctor.iterator?.(bare)) as Required<SubscriberIterator<MemoryMessage>>;
  const wrap = (message: MemoryMessage): MemoryMessage => override(message, doctor.message?.(message));
  return {
    next: async () => {
      const result = await real.next();
      return result.done ? result : { done: false, value: wrap(result.value) };
    },
    return: () => real.return(),
    takeReady: (max) => real.takeReady(max).map(wrap),
  };
}

/** Not a generator, because its return() would wait for the pending next(). */
function batches(real: AsyncIterable<MemoryMessage[]>, doctor: Doctor): AsyncIterable<MemoryMessage[]> {
  const wrap = (message: MemoryMessage): MemoryMessage => override(message, doctor.message?.(message));
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = real[Symbol.asyncIterator]();
      return {
        next: async () => {
          const result = await iterator.next();
          return result.done ? result : { done: false, value: result.value.map(wrap) };
        },
        return: async () => {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
