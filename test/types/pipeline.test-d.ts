import {
  ack,
  by,
  byKey,
  bytes,
  type Codec,
  type DeadLetterOutcome,
  deadLetter,
  drop,
  type FailureOutcome,
  type FailurePolicy,
  type HandlerContext,
  type HandlerResult,
  json,
  type MemoryConnection,
  type MemoryMessage,
  type MemorySubscriber,
  type Message,
  memorySource,
  type Outcome,
  type Pipeline,
  type Publisher,
  pipeline,
  type Run,
  type RunReport,
  retry,
  retryAfter,
  type Settlement,
  type StandardSchema,
  type Subscriber,
  text,
} from "tidelane";
import { type RecordingMessage, ScriptedSubscriber } from "tidelane/testing";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

interface Order {
  id: string;
  lines: { amount: number }[];
}
const Order = z.object({ id: z.string(), lines: z.array(z.object({ amount: z.number() })) });

declare const orders: Subscriber;
declare const connection: MemoryConnection;
declare const publisher: Publisher;

type Nothing = ReturnType<() => void> | undefined;

const misspelt = { maxAttempts: 3, deadLetter: "drop", timeout: 5 } as const;
const target = { topic: "dead", publisher };

describe("what a handler gets", () => {
  it("is the subscriber's own message without decode", () => {
    pipeline(orders).handle((message, context) => {
      expectTypeOf(message).toEqualTypeOf<Message>();
      expectTypeOf(context).toEqualTypeOf<HandlerContext<Message>>();
    });
    pipeline(new ScriptedSubscriber()).handle((message, context) => {
      expectTypeOf(message).toEqualTypeOf<RecordingMessage>();
      expectTypeOf(context.message).toEqualTypeOf<RecordingMessage>();
    });
  });

  it("is the output of a schema after decode, and the message beside it", () => {
    pipeline(new ScriptedSubscriber())
      .decode(Order)
      .handle((order, context) => {
        expectTypeOf(order).toEqualTypeOf<Order>();
        expectTypeOf(context.message).toEqualTypeOf<RecordingMessage>();
      });
    const transformed = z.object({ at: z.string() }).transform(({ at }) => new Date(at));
    pipeline(orders)
      .decode(transformed)
      .handle((value) => {
        expectTypeOf(value).toEqualTypeOf<Date>();
      });
    const byHand: StandardSchema<unknown, bigint> = {
      "~standard": { version: 1, vendor: "test", validate: () => ({ value: 1n }) },
    };
    pipeline(orders)
      .decode(byHand)
      .handle((value) => {
        expectTypeOf(value).toEqualTypeOf<bigint>();
      });
  });

  it("is the value of a codec after decode", () => {
    const date: Codec<Date> = {
      contentType: "text/plain",
      decode: async (message) => new Date(message.text()),
      encode: (value) => new TextEncoder().encode(value.toISOString()),
    };
    pipeline(orders)
      .decode(text)
      .handle((value) => {
        expectTypeOf(value).toEqualTypeOf<string>();
      });
    pipeline(orders)
      .decode(bytes)
      .handle((value) => {
        expectTypeOf(value).toEqualTypeOf<Uint8Array>();
      });
    pipeline(orders)
      .decode(json)
      .handle((value) => {
        expectTypeOf(value).toEqualTypeOf<unknown>();
      });
    pipeline(orders)
      .decode(date)
      .handle((value) => {
        expectTypeOf(value).toEqualTypeOf<Date>();
      });
  });

  it("comes with a context that says what it may be asked", () => {
    pipeline(orders).handle((_message, context) => {
      expectTypeOf(context.key).toEqualTypeOf<string | undefined>();
      expectTypeOf(context.attempt).toEqualTypeOf<number>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
      context.afterSettle((settlement) => {
        expectTypeOf(settlement).toEqualTypeOf<Settlement>();
      });
      // @ts-expect-error the context is not for writing
      context.attempt = 2;
    });
  });
});

describe("a key function", () => {
  it("gets the decoded value without an annotation, and the message", () => {
    pipeline(orders)
      .decode(Order)
      .workers(
        8,
        by((order, message) => {
          expectTypeOf(order).toEqualTypeOf<Order>();
          expectTypeOf(message).toEqualTypeOf<Message>();
          return order.id;
        }),
      );
  });

  it("gets the message before decode", () => {
    pipeline(new ScriptedSubscriber()).workers(
      8,
      by((message) => {
        expectTypeOf(message).toEqualTypeOf<RecordingMessage>();
        return message.headers.get("tenant");
      }),
    );
  });

  it("is not a bare function, nor one of another value, nor one that answers later", () => {
    const steps = pipeline(orders).decode(Order);
    const bare = (order: Order): string => order.id;
    // @ts-expect-error a key is by(fn)
    steps.workers(8, bare);
    const ofText = by((value: string) => value);
    // @ts-expect-error the value is an Order
    steps.workers(8, ofText);
    // @ts-expect-error a key is computed synchronously
    by(async (order: Order) => order.id);
    // @ts-expect-error a key is a string
    by((order: Order) => order.lines.length);
  });

  it("byKey fits any value", () => {
    pipeline(orders).decode(Order).workers(8, byKey);
    pipeline(orders).workers(8, byKey, { maxInFlight: 1_000 });
  });
});

describe("an order of steps that cannot work does not type-check", () => {
  it("decode twice", () => {
    const decoded = pipeline(orders).decode(json);
    // @ts-expect-error decoded already
    decoded.decode(json);
  });

  it("decode after workers, and after use", () => {
    const keyed = pipeline(orders).workers(8, byKey);
    // @ts-expect-error a key was chosen for what is not decoded yet
    keyed.decode(json);
    const wrapped = pipeline(orders).use((_context, next) => next());
    // @ts-expect-error a middleware was given what is not decoded yet
    wrapped.decode(json);
    const later = keyed.onFailure({});
    // @ts-expect-error neither after another step in between
    later.decode(json);
  });

  it("workers twice, onFailure twice", () => {
    const counted = pipeline(orders).workers(8);
    // @ts-expect-error how many was said
    counted.workers(8);
    const failing = pipeline(orders).onFailure({});
    // @ts-expect-error what happens was said
    failing.onFailure({});
  });

  it("anything after handle", () => {
    const run = pipeline(orders).handle(() => undefined);
    // @ts-expect-error a run has no steps
    run.workers;
  });

  it("while every order that works does", () => {
    const end = (): undefined => undefined;
    pipeline(orders).handle(end);
    pipeline(orders)
      .onFailure({})
      .decode(Order)
      .use((_c, next) => next())
      .workers(2)
      .handle(end);
    pipeline(orders)
      .decode(Order)
      .workers(2)
      .use((_c, next) => next())
      .use((_c, next) => next())
      .handle(end);
    pipeline(orders).decode(Order).workers(2).onFailure({}).handle(end);
  });
});

describe("a dead letter", () => {
  it("cannot be asked for without a place for it", () => {
    const plain = pipeline(orders);
    // @ts-expect-error no onFailure at all
    plain.handle(() => deadLetter("x"));
    const patient = plain.onFailure({ backoff: { initialMs: 5 } });
    // @ts-expect-error an onFailure without deadLetter
    patient.handle(async () => deadLetter("x"));
    const dropping = plain.onFailure({ maxAttempts: 3, deadLetter: "drop" });
    // @ts-expect-error to drop is no place
    dropping.handle(() => deadLetter("x"));
  });

  it("can with one, also later in the chain", () => {
    pipeline(orders)
      .onFailure({ deadLetter: target })
      .handle(() => deadLetter("x"));
    pipeline(orders)
      .onFailure({ deadLetter: "broker" })
      .handle(async () => deadLetter("x"));
    pipeline(orders)
      .onFailure({ maxAttempts: 3, deadLetter: target })
      .decode(Order)
      .workers(8, byKey)
      .handle((order) => (order.lines.length === 0 ? deadLetter("empty") : undefined));
  });

  it("is not what a policy of unknown shape promises", () => {
    const policy: FailurePolicy = { deadLetter: target };
    const steps = pipeline(orders).onFailure(policy);
    // @ts-expect-error it may be a policy without one
    steps.handle(() => deadLetter("x"));
  });
});

describe("a failure policy", () => {
  it("with maxAttempts says what comes after the last", () => {
    // @ts-expect-error no message is lost silently
    pipeline(orders).onFailure({ maxAttempts: 3 });
    pipeline(orders).onFailure({ maxAttempts: 3, deadLetter: "drop" });
    pipeline(orders).onFailure({ maxAttempts: 3, deadLetter: "broker" });
    pipeline(orders).onFailure({ maxAttempts: 3, deadLetter: target });
  });

  it("does not drop without maxAttempts, and has no fields but its own", () => {
    // @ts-expect-error there is no last attempt to drop after
    pipeline(orders).onFailure({ deadLetter: "drop" });
    // @ts-expect-error no such mode
    pipeline(orders).onFailure({ mode: "later" });
    // @ts-expect-error no such field
    pipeline(orders).onFailure({ maxRetries: 3 });
    // @ts-expect-error nor where everything else is right
    pipeline(orders).onFailure({ maxAttempts: 3, deadLetter: "drop", bakcoff: { initialMs: 5 } });
    // @ts-expect-error no such field of a backoff
    pipeline(orders).onFailure({ backoff: { initialMs: 5, maximumMs: 10 } });
    // @ts-expect-error no such field of a target
    pipeline(orders).onFailure({ deadLetter: { ...target, topics: "dead" } });
    // @ts-expect-error nor in a policy that was written elsewhere
    pipeline(orders).onFailure(misspelt);
    pipeline(orders).onFailure({
      maxAttempts: 3,
      deadLetter: target,
      backoff: { initialMs: 5 },
      mode: "redeliver",
    });
    // @ts-expect-error a topic alone has nobody to publish there
    pipeline(orders).onFailure({ deadLetter: { topic: "dead" } });
  });
});

describe("a handler", () => {
  it("returns nothing or an outcome, now or later", () => {
    const steps = pipeline(orders);
    steps.handle(() => {});
    steps.handle(async () => {});
    steps.handle(() => ack());
    steps.handle(async ({ topic }) => (topic === "a" ? retry() : topic === "b" ? retryAfter(5) : drop()));
    steps.handle(({ topic }) => (topic === "a" ? undefined : Promise.resolve(ack())));
    // @ts-expect-error "ack" is no outcome
    steps.handle(() => "ack");
    // @ts-expect-error neither is true
    steps.handle(async () => true);
  });

  it("has a result type one can write down", () => {
    expectTypeOf<HandlerResult<true>>().toEqualTypeOf<Nothing | Outcome>();
    expectTypeOf<Nothing | Exclude<Outcome, DeadLetterOutcome>>().toExtend<HandlerResult<false>>();
    expectTypeOf<DeadLetterOutcome>().not.toExtend<HandlerResult<false>>();
  });
});

describe("a middleware", () => {
  it("sees the value and the context, and returns an outcome", () => {
    const steps = pipeline(orders).decode(Order);
    steps.use((context, next) => {
      expectTypeOf(context.value).toEqualTypeOf<Order>();
      expectTypeOf(next).toEqualTypeOf<() => Promise<Outcome | FailureOutcome>>();
      return next();
    });
    // @ts-expect-error a forgotten return
    steps.use(async (_context, next) => {
      await next();
    });
  });
});

describe("handle", () => {
  it("gives a run, whose end is a report", () => {
    const run = pipeline(orders).handle(() => undefined);
    expectTypeOf(run).toEqualTypeOf<Run>();
    expectTypeOf(run.done).resolves.toEqualTypeOf<RunReport>();
    expectTypeOf(
      run.drain({ deadlineMs: 5, signal: AbortSignal.abort() }),
    ).resolves.toEqualTypeOf<RunReport>();
  });
});

describe("the name an editor shows", () => {
  it("is Pipeline, with what flows through it and which steps are used", () => {
    const start = pipeline(orders);
    expectTypeOf(start).toEqualTypeOf<Pipeline<Message, Message, false>>();
    const decoded = start.decode(Order);
    expectTypeOf(decoded).toEqualTypeOf<Pipeline<Message, Order, false, "decode">>();
    const keyed = decoded.workers(8, byKey);
    expectTypeOf(keyed).toEqualTypeOf<Pipeline<Message, Order, false, "decode" | "workers">>();
    const whole = keyed.onFailure({ deadLetter: target });
    expectTypeOf(whole).toEqualTypeOf<Pipeline<Message, Order, true, "decode" | "workers" | "onFailure">>();
    expectTypeOf(whole.handle).toBeFunction();
    expectTypeOf(whole.decode).not.toBeFunction();
    expectTypeOf(whole.workers).not.toBeFunction();
    expectTypeOf(whole.onFailure).not.toBeFunction();
  });

  it("can be written for a function that takes a pipeline", () => {
    const start = (steps: Pipeline<RecordingMessage, Order, false, "decode">): Run =>
      steps
        .workers(
          8,
          by(({ id }) => id),
        )
        .handle(() => undefined);
    expectTypeOf(start).toBeCallableWith(pipeline(new ScriptedSubscriber()).decode(Order));
  });
});

describe("subscribe", () => {
  it("gives the subscriber of the source, and the pipeline its messages", async () => {
    const bySource = await connection.subscribe(memorySource("orders"));
    expectTypeOf(bySource).toEqualTypeOf<MemorySubscriber>();
    const byTopic = await connection.subscribe("orders");
    expectTypeOf(byTopic).toEqualTypeOf<MemorySubscriber>();
    pipeline(byTopic).handle((message) => {
      expectTypeOf(message).toEqualTypeOf<MemoryMessage>();
    });
  });
});
