import { by, byKey, type Codec, DecodeError, json, type Message, type StandardSchema, text } from "tidelane";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Gate, RecordingPublisher, Stage } from "./stage.ts";

const Order = z.object({ id: z.string(), lines: z.array(z.object({ amount: z.number().min(1) })) });
const good = JSON.stringify({ id: "o1", lines: [{ amount: 2 }] });
const bad = JSON.stringify({ id: 7, lines: [{ amount: 2 }, { amount: 0 }] });

/** A Standard Schema written by hand: text of the form "n=<digits>", as a number. */
class NumberSchema implements StandardSchema<unknown, number> {
  readonly #late: boolean;
  readonly #pattern = /^n=(\d+)$/;

  constructor(late: boolean) {
    this.#late = late;
  }

  readonly "~standard" = {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => (this.#late ? Promise.resolve(this.#check(value)) : this.#check(value)),
  };

  #check(value: unknown): { value: number } | { issues: { message: string; path?: PropertyKey[] }[] } {
    const digits = typeof value === "string" ? this.#pattern.exec(value)?.[1] : undefined;
    return digits === undefined ? { issues: [{ message: "not n=<digits>" }] } : { value: Number(digits) };
  }
}

function failing(how: "throws" | "rejects", cause: unknown): Codec<string> {
  const fail = (): never => {
    throw cause;
  };
  const decode = how === "throws" ? fail : async () => fail();
  return { ...text, decode: (message: Message) => (message.text() === "bad" ? decode() : message.text()) };
}

describe("a payload that does not decode", () => {
  it("is dropped with an error that lists every issue with its path, and the run goes on", async () => {
    const stage = new Stage();
    const [first, broken, last] = [good, bad, good].map((payload) => stage.message(payload));
    stage.subscriber.deliver(...([first, broken, last] as NonNullable<typeof first>[])).end();
    const run = stage.pipeline.decode(Order).handle((order) => void stage.log.push(order.id));
    const report = await run.done;
    expect(stage.log).toEqual(["o1", "o1"]);
    expect(broken?.settlements).toMatchObject([{ settle: "nack", requeue: false }]);
    expect(report).toMatchObject({ handled: 2, dropped: 1, undecodable: 1, failures: 0, inFlight: 0 });
    const [error] = stage.errors as DecodeError[];
    expect(error).toBeInstanceOf(DecodeError);
    expect(error?.issues.map(({ path }) => path)).toEqual([["id"], ["lines", 1, "amount"]]);
    expect(error?.message).toMatch(/from "orders" did not decode.*\(id: .*; lines\[1\]\.amount: /);
  });

  it("goes to the dead letter topic at once, whatever attempts are left", async () => {
    const stage = new Stage();
    const publisher = new RecordingPublisher();
    stage.subscriber.deliver(stage.message("{")).end();
    const run = stage.pipeline
      .decode(json)
      .onFailure({ maxAttempts: 5, deadLetter: { topic: "dead", publisher } })
      .handle(() => void stage.log.push("ran"));
    expect(await run.done).toMatchObject({ deadLettered: 1, undecodable: 1, retries: 0 });
    expect(publisher.published.map(({ topic }) => topic)).toEqual(["dead"]);
    expect(stage.log).toEqual([]);
  });

  it.each([
    ["a schema that answers at once", new NumberSchema(false)],
    ["a schema that answers later", new NumberSchema(true)],
  ])("is kept out by %s", async (_name, schema) => {
    const stage = new Stage();
    stage.subscriber.deliver(...['"n=1"', '"x"', '"n=2"', "not json"].map((p) => stage.message(p))).end();
    const run = stage.pipeline
      .decode(schema)
      .handle((value) => void stage.log.push(`${typeof value} ${value}`));
    expect(await run.done).toMatchObject({ handled: 2, dropped: 2, undecodable: 2 });
    expect(stage.log).toEqual(["number 1", "number 2"]);
    expect(stage.errors.map(String)).toEqual([
      expect.stringContaining("(value): not n=<digits>"),
      expect.stringContaining("the payload is not JSON"),
    ]);
  });

  it.each(["throws", "rejects"] as const)("is what a codec that %s makes of it", async (how) => {
    const stage = new Stage();
    const cause = new RangeError("index 9");
    stage.deliver("a bad b");
    stage.subscriber.end();
    const run = stage.pipeline.decode(failing(how, cause)).handle((value) => void stage.log.push(value));
    await run.done;
    expect(stage.log).toEqual(["a", "b"]);
    expect(stage.errors).toMatchObject([{ code: "TIDELANE_DECODE", topic: "orders", cause }]);
    expect(String(stage.errors[0])).toContain("the codec failed: index 9");
  });

  it.each(["throws", "rejects"] as const)("leaves no worker idle beside its lane: %s", async (how) => {
    const stage = new Stage();
    const messages = stage.deliver("bad bad a b");
    const run = stage.pipeline
      .decode(failing(how, new Error("x")))
      .workers(1, byKey)
      .handle((value) => void stage.log.push(value));
    await stage.clock.flush();
    expect(stage.log).toEqual(["a", "b"]);
    expect(messages.every(({ settled }) => settled)).toBe(true);
    await run.stop();
  });

  it("leaves no worker idle while its settle is answered", async () => {
    const stage = new Stage();
    const onSettle = () => new Promise<void>(() => undefined);
    stage.subscriber.deliver(stage.message("bad", { onSettle }), stage.message("a"));
    const run = stage.pipeline
      .decode(failing("rejects", new Error("x")))
      .workers(1, byKey)
      .handle((value) => void stage.log.push(value));
    await stage.clock.flush();
    expect(stage.log).toEqual(["a"]);
    expect(run.stats).toMatchObject({ settling: 1, inFlight: 1 });
    void run.stop();
    await stage.clock.advance(5_000);
    await run.done;
  });

  it("is decoded once, and not again for a retry", async () => {
    const stage = new Stage();
    stage.deliver("a");
    let decoded = 0;
    const counting: Codec<string> = {
      ...text,
      decode: (message) => {
        decoded += 1;
        return message.text();
      },
    };
    const run = stage.pipeline.decode(counting).handle((_value, { attempt }) => {
      if (attempt < 3) throw new Error("again");
    });
    await stage.clock.advance(1_000);
    expect([run.stats.handled, decoded]).toEqual([1, 1]);
    await run.stop();
  });
});

describe("a key computed from a value that decodes later", () => {
  it("keeps the order in which the deliveries came", async () => {
    const stage = new Stage();
    stage.deliver("k:30 k:20 j:5 k:10");
    stage.subscriber.end();
    // The later the delivery, the sooner its value would be there.
    const late: Codec<string> = {
      ...text,
      decode: async (message) => {
        const value = message.text();
        await new Promise<void>((resolve) => void stage.clock.schedule(Number(value.slice(2)), resolve));
        return value;
      },
    };
    const run = stage.pipeline
      .decode(late)
      .workers(
        4,
        by((value) => value.slice(0, 1)),
      )
      .handle((value) => stage.note(value));
    await stage.clock.advance(1_000);
    await run.done;
    expect(stage.log).toEqual(["k:30 @30", "k:20 @50", "j:5 @55", "k:10 @65"]);
  });

  it("takes in nothing more while one is decoded, and what does not decode stops nothing", async () => {
    const stage = new Stage();
    stage.deliver("a bad b");
    stage.subscriber.end();
    const run = stage.pipeline
      .decode(failing("rejects", new Error("x")))
      .workers(
        4,
        by((value) => value),
      )
      .handle((value) => void stage.log.push(value));
    expect(await run.done).toMatchObject({ handled: 2, undecodable: 1, lanes: 0 });
    expect(stage.log).toEqual(["a", "b"]);
  });
});

describe("a value that is late", () => {
  it("is not handled when the run was stopped meanwhile", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("a");
    const arrived = new Gate();
    const late: Codec<string> = { ...text, decode: (given) => arrived.opened.then(() => given.text()) };
    const run = stage.pipeline.decode(late).handle((value) => void stage.log.push(value));
    await stage.clock.flush();
    void run.stop();
    arrived.open();
    const report = await run.done;
    expect([stage.log, message?.settled]).toEqual([[], false]);
    expect(report.left).toMatchObject([{ topic: "orders", attempt: 1, state: "waiting" }]);
  });

  it("is not handled when the delivery was revoked meanwhile", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("a b");
    const late: Codec<string> = {
      ...text,
      decode: async (given) => {
        if (given === message) message.revoke();
        return given.text();
      },
    };
    const run = stage.pipeline.decode(late).handle((value) => void stage.log.push(value));
    await stage.clock.flush();
    expect(stage.log).toEqual(["b"]);
    expect(run.stats).toMatchObject({ revoked: 1, handled: 1, inFlight: 0 });
    await run.stop();
  });
});
