import { by, deadLetter, pipeline, retryAfter } from "tidelane";
import { ScriptedSubscriber } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { Stage } from "../promises/stage.ts";

/** What a program without types can call. */
type Untyped = Record<string, (...given: unknown[]) => unknown>;

const untyped = (given: unknown): Untyped => given as Untyped;
const steps = (): Untyped => untyped(pipeline(new ScriptedSubscriber()));
const end = (): undefined => undefined;
const exported = untyped({ pipeline, by, deadLetter, retryAfter });

async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

const clock = { schedule: end };
const standard = { "~standard": null };

/** Each public call with what stands for a forgotten or wrong argument, by the name that the error gives it. */
const calls: readonly (readonly [argument: string, call: (wrong: unknown) => unknown])[] = [
  ["pipeline(subscriber)", (wrong) => exported["pipeline"]?.(wrong)],
  [
    "pipeline(subscriber, options)",
    (wrong) => exported["pipeline"]?.(new ScriptedSubscriber(), wrong ?? null),
  ],
  ["pipeline: clock.now", () => exported["pipeline"]?.(new ScriptedSubscriber(), { clock })],
  ["decode(decoder)", (wrong) => steps()["decode"]?.(wrong)],
  ["decode(decoder)", () => steps()["decode"]?.(standard)],
  ["use(middleware)", (wrong) => steps()["use"]?.(wrong)],
  ["workers(n)", (wrong) => steps()["workers"]?.(wrong)],
  ["workers(n, key)", (wrong) => steps()["workers"]?.(2, wrong ?? null)],
  ["workers(n, key, options)", (wrong) => steps()["workers"]?.(2, undefined, wrong ?? null)],
  ["onFailure(policy)", (wrong) => steps()["onFailure"]?.(wrong)],
  ["onFailure: backoff", (wrong) => steps()["onFailure"]?.({ backoff: wrong ?? null })],
  ["onFailure: deadLetter", (wrong) => steps()["onFailure"]?.({ deadLetter: wrong ?? null })],
  ["handle(handler)", (wrong) => steps()["handle"]?.(wrong)],
  ["handle(handler, options)", (wrong) => steps()["handle"]?.(end, wrong ?? null)],
  ["handle: signal", (wrong) => steps()["handle"]?.(end, { signal: wrong ?? null })],
  ["by(select)", (wrong) => exported["by"]?.(wrong)],
  ["retryAfter(delayMs)", (wrong) => exported["retryAfter"]?.(wrong === 5 ? "5" : wrong)],
  ["deadLetter(reason)", (wrong) => exported["deadLetter"]?.(wrong)],
];

describe.each([undefined, null, 5])("%s, where a program without types forgot the argument", (wrong) => {
  // 5 is a number of workers.
  const wrongHere = calls.map(
    ([argument, call]) =>
      [argument, argument === "workers(n)" && wrong === 5 ? () => call(0.5) : () => call(wrong)] as const,
  );

  it.each(wrongHere)("is refused by name: %s", async (argument, call) => {
    expect(await refusal(call)).toMatchObject({ code: "TIDELANE_INVALID_ARGUMENT", argument });
  });

  it("is refused by name: drain and stop of a run, which goes on", async () => {
    const stage = new Stage();
    const run = stage.pipeline.handle(end);
    for (const [argument, call] of [
      ["run.drain(options)", () => untyped(run)["drain"]?.(wrong ?? null)],
      ["drain: signal", () => untyped(run)["drain"]?.({ signal: wrong ?? null })],
      ["run.stop(options)", () => untyped(run)["stop"]?.(wrong ?? null)],
    ] as const) {
      expect(await refusal(call)).toMatchObject({ code: "TIDELANE_INVALID_ARGUMENT", argument });
    }
    stage.deliver("a");
    await run.idle();
    expect(run.stats.handled).toBe(1);
    await run.drain();
  });

  it("is refused by name: afterSettle, so that the handler has failed", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle((_message, context) => void untyped(context)["afterSettle"]?.(wrong));
    await stage.clock.flush();
    expect(stage.errors).toMatchObject([
      { code: "TIDELANE_INVALID_ARGUMENT", argument: "afterSettle(work)" },
    ]);
    await run.stop();
  });
});
