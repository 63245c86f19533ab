import { by, byKey, type Codec, json, KeyError, pipeline, text } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, RecordingPublisher, Stage } from "./stage.ts";

type Select = (value: unknown) => string;

const faulty: readonly (readonly [name: string, select: Select, reason: string])[] = [
  [
    "throws",
    () => {
      throw new RangeError("no id");
    },
    "the key function threw: no id",
  ],
  ["returns a promise", (async () => "k") as unknown as Select, "the key function returned a promise"],
  ["returns a number", (() => 7) as unknown as Select, "the key function returned 7"],
  ["returns null", (() => null) as unknown as Select, "the key function returned null"],
];

describe.each(faulty)("a key function that %s", (_name, select, reason) => {
  it("makes a dead letter where there is a place for it, and the run goes on", async () => {
    const stage = new Stage();
    const publisher = new RecordingPublisher();
    const [broken, fine] = stage.deliver("broken fine");
    stage.subscriber.end();
    const run = stage.pipeline
      .workers(
        2,
        by((message) => (message === broken ? select(message) : "k")),
      )
      .onFailure({ deadLetter: { topic: "dead", publisher } })
      .handle((message) => void stage.log.push(message.text()));
    expect(await run.done).toMatchObject({ deadLettered: 1, handled: 1, inFlight: 0, lanes: 0 });
    expect(stage.log).toEqual(["fine"]);
    const headers = new Map(publisher.published[0]?.headers as Iterable<[string, string]>);
    expect(headers.get("x-tidelane-dead-letter-reason")).toContain(reason);
    expect([broken?.settled, fine?.settled]).toEqual([true, true]);
    expect(stage.errors).toMatchObject([{ code: "TIDELANE_KEY", topic: "orders" }]);
  });

  it("ends the run with KeyError where there is none, and settles nothing of it", async () => {
    const stage = new Stage();
    const all = stage.deliver("broken later");
    const run = stage.pipeline
      .workers(2, by(select))
      .handle((message) => void stage.log.push(message.text()));
    await expect(run.done).rejects.toThrow(reason);
    await expect(run.done).rejects.toBeInstanceOf(KeyError);
    expect(stage.log).toEqual([]);
    for (const message of all) expect(message.settlements).toEqual([]);
    expect(all[0]?.revoked).toBeDefined();
    expect([stage.subscriber.closed, stage.clock.timers, stage.errors.length]).toEqual([true, 0, 1]);
  });
});

it("a KeyError tells what runs to give up, and lets it finish", async () => {
  const stage = new Stage();
  const gate = new Gate();
  const [running] = stage.deliver("running");
  const select = by((message: unknown) => {
    if (message !== running) throw new Error("no id");
    return "k";
  });
  const run = stage.pipeline.workers(2, select).handle((_message, { signal }) => {
    signal.addEventListener("abort", () => stage.log.push(String(signal.reason)));
    return gate.opened;
  });
  await stage.clock.flush();
  stage.deliver("broken");
  await stage.clock.advance(1_000);
  expect(stage.log).toEqual([expect.stringMatching(/^KeyError: No key .* no id\.$/)]);
  gate.open();
  await expect(run.done).rejects.toBeInstanceOf(KeyError);
  expect(running?.settlements).toMatchObject([{ settle: "ack" }]);
  expect(run.stats).toMatchObject({ handled: 1, inFlight: 1, waiting: 1 });
});

it("a stop is not turned into a failure by a key that is computed after it", async () => {
  const stage = new Stage();
  const gate = new Gate();
  stage.deliver("1");
  const late: Codec<string> = { ...text, decode: (message) => gate.opened.then(() => message.text()) };
  const run = stage.pipeline
    .decode(late)
    .workers(
      2,
      by(() => 7 as unknown as string),
    )
    .handle(() => undefined);
  await stage.clock.flush();
  const stopped = run.stop();
  gate.open();
  expect((await stopped).left).toMatchObject([{ key: undefined, state: "waiting" }]);
  await stage.clock.flush();
  expect(stage.errors).toEqual([]);
});

it("a value without the field its key is read from is no key, and so in nobody's way", async () => {
  const stage = new Stage();
  stage.subscriber.deliver(stage.message("{}"), stage.message('{"id":"a"}')).end();
  const run = stage.pipeline
    .decode(json)
    .workers(
      2,
      by((value) => (value as { id?: string }).id),
    )
    .handle((_value, { key }) => void stage.log.push(String(key)));
  await run.done;
  expect(stage.log).toEqual(["undefined", "a"]);
});

describe("a run whose deliveries have no key", () => {
  const words = (count: number, word: string): string => Array.from({ length: count }, () => word).join(" ");
  const noOrder = 'workers(8, key) over "orders": ';

  it("says so at the 100th, once, with the cure", async () => {
    const stage = new Stage();
    const run = stage.pipeline.workers(8, byKey).handle(() => undefined);
    stage.deliver(words(99, "a"));
    await run.idle();
    expect(stage.errors).toEqual([]);
    stage.deliver(words(300, "a"));
    await run.idle();
    expect(stage.reports).toMatchObject([{ topic: "orders", next: { kind: "none" } }]);
    const { message } = stage.errors[0] as Error;
    expect(message).toContain(`${noOrder}the first 100 deliveries have no key, so they have no order`);
    for (const cure of ["Publish with a key", "keyHeader", "by((value) => key)"])
      expect(message).toContain(cure);
    await run.drain();
  });

  it("says so of a key function that returns undefined for all", async () => {
    const stage = new Stage();
    stage.deliver(words(150, "{}"));
    const misspelt = by((value) => (value as { costumer?: string }).costumer);
    const run = stage.pipeline
      .decode(json)
      .workers(8, misspelt)
      .handle(() => undefined);
    await run.idle();
    expect(stage.errors.map(String)).toEqual([
      expect.stringContaining(`${noOrder}the key function returned undefined for the first 100 deliveries`),
    ]);
    await run.drain();
  });

  it("is silent when one of them has a key, or one worker keeps the order anyway", async () => {
    const mixed = new Stage();
    mixed.deliver(`${words(50, "a")} k:b ${words(300, "a")}`);
    const run = mixed.pipeline.workers(8, byKey).handle(() => undefined);
    const alone = new Stage();
    alone.deliver(words(300, "a"));
    const other = alone.pipeline.workers(1, byKey).handle(() => undefined);
    await Promise.all([run.idle(), other.idle()]);
    expect([mixed.errors, alone.errors]).toEqual([[], []]);
    await Promise.all([run.drain(), other.drain()]);
  });

  it("warns with that sentence alone where nobody listens", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);
    const stage = new Stage();
    stage.deliver(words(200, "a"));
    const run = pipeline(stage.subscriber)
      .workers(8, byKey)
      .handle(() => undefined);
    await run.idle();
    await stage.clock.flush();
    process.off("warning", note);
    expect(warnings).toEqual([expect.stringMatching(/^workers\(8, key\) over "orders": /)]);
    await run.drain();
  });
});

it("messages without a key go to any free worker", async () => {
  const stage = new Stage();
  stage.deliver("a b c");
  const run = stage.pipeline.workers(3, byKey).handle(() => new Promise<void>(() => undefined));
  await stage.clock.flush();
  expect(run.stats).toMatchObject({ running: 3, lanes: 0 });
  await stage.clock.advance(0);
  void run.stop({ deadlineMs: 0 });
  await stage.clock.advance(0);
  await run.done;
});
