import { UnknownOptionError } from "tidelane";
import { faulty, RecordingMessage, ScriptedSubscriber, VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";

describe("the clock of a double", () => {
  it("is the one it was given, and faults go by that of what they are over", () => {
    const [clock, other] = [new VirtualClock(), new VirtualClock()];
    const inner = new ScriptedSubscriber({ clock });
    expect(inner.clock).toBe(clock);
    expect(faulty(inner, { seed: 1 }).clock).toBe(clock);
    expect(faulty(inner, { seed: 1, clock: other }).clock).toBe(other);
  });

  it("is what a delay without a clock of its own takes", async () => {
    const clock = new VirtualClock();
    const inner = new ScriptedSubscriber({ clock }).deliver(new RecordingMessage());
    const subscriber = faulty(inner, { seed: 1, delays: { rate: 1, maxMs: 1_000 } });
    const next = subscriber[Symbol.asyncIterator]().next();
    await clock.advance(1_000);
    expect((await next).done).toBe(false);
    expect(clock.timers).toBe(0);
  });
});

describe("an option that nobody reads is refused", () => {
  // biome-ignore lint/suspicious/noExplicitAny: as a JavaScript user writes them
  const given = (options: object): any => options;

  it.each([
    [
      'new ScriptedSubscriber(options) has no option "topik"',
      () => new ScriptedSubscriber(given({ topik: "a" })),
    ],
    ['"capabilities.seeks"', () => new ScriptedSubscriber(given({ capabilities: { seeks: true } }))],
    ['new RecordingMessage(init) has no option "key"', () => new RecordingMessage(given({ key: "a" }))],
    [
      'faulty(from, options) has no option "dups"',
      () => faulty(new ScriptedSubscriber(), given({ seed: 1, dups: {} })),
    ],
    ['"stalls.maxMs"', () => faulty(new ScriptedSubscriber(), given({ seed: 1, stalls: { maxMs: 1 } }))],
  ])("%s", (text, make) => {
    expect(make).toThrow(UnknownOptionError);
    expect(make).toThrow(text);
  });
});
