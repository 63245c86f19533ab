import { createApp, MemoryBroker, pipeline } from "tidelane";
import { ScriptedSubscriber } from "tidelane/testing";
import { describe, expect, it } from "vitest";

/** What a program without types can call. */
type Untyped = Record<string, (...given: unknown[]) => unknown>;

const untyped = (given: unknown): Untyped => given as Untyped;
const steps = (): Untyped => untyped(pipeline(new ScriptedSubscriber()));
const end = (): undefined => undefined;

async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

const publisher = { publish: async (): Promise<void> => undefined };
const run = pipeline(new ScriptedSubscriber()).handle(end);
const app = createApp({ name: "shop", broker: new MemoryBroker() });

describe("an option that nobody reads is refused, with the call and the nearest name", () => {
  it.each<[string, string, string | undefined, () => unknown]>([
    [
      "pipeline(subscriber, options)",
      "onerror",
      "onError",
      () => untyped({ pipeline })["pipeline"]?.(new ScriptedSubscriber(), { onerror: end }),
    ],
    [
      "workers(n, key, options)",
      "maxInflight",
      "maxInFlight",
      () => steps()["workers"]?.(2, undefined, { maxInflight: 5 }),
    ],
    ["handle(handler, options)", "timeotMs", "timeoutMs", () => steps()["handle"]?.(end, { timeotMs: 5 })],
    ["onFailure(policy)", "maxAttempt", "maxAttempts", () => steps()["onFailure"]?.({ maxAttempt: 5 })],
    [
      "onFailure(policy)",
      "backoff.initalMs",
      "initialMs",
      () => steps()["onFailure"]?.({ backoff: { initalMs: 5 } }),
    ],
    [
      "onFailure(policy)",
      "deadLetter.topics",
      "topic",
      () => steps()["onFailure"]?.({ deadLetter: { topic: "dead", topics: "dead", publisher } }),
    ],
    ["run.drain(options)", "deadlineMS", "deadlineMs", () => untyped(run)["drain"]?.({ deadlineMS: 5 })],
    ["run.stop(options)", "signal", undefined, () => untyped(run)["stop"]?.({ signal: undefined })],
    ["app.start(options)", "sginal", "signal", () => untyped(app)["start"]?.({ sginal: undefined })],
    ["app.run(options)", "signal", "signals", () => untyped(app)["run"]?.({ signal: "SIGINT" })],
    ["app.drain(options)", "deadline", "deadlineMs", () => untyped(app)["drain"]?.({ deadline: 5 })],
    ["app.stop(options)", "deadline", "deadlineMs", () => untyped(app)["stop"]?.({ deadline: 5 })],
    [
      "createApp(options)",
      "brkers",
      "brokers",
      () => untyped({ createApp })["createApp"]?.({ name: "shop", brkers: {} }),
    ],
  ])("%s %s", async (call, option, nearest, given) => {
    expect(await refusal(given)).toMatchObject({ code: "TIDELANE_UNKNOWN_OPTION", call, option, nearest });
  });

  it("and nothing has begun or ended for it", () => {
    expect([app.health.state, run.stats.pulled]).toEqual(["idle", 0]);
  });
});
