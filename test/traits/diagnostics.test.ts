import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { type DiagnosticName, diagnostics } from "../../src/traits/diagnostics.ts";

const names = Object.keys(diagnostics) as DiagnosticName[];

it("the channels are those of the documentation", () => {
  expect(names).toEqual([
    "tidelane:delivery",
    "tidelane:settle",
    "tidelane:retry",
    "tidelane:error",
    "tidelane:reconnect",
  ]);
});

describe.each(names)("%s", (name) => {
  it("is the process's channel of that name", () => {
    expect(diagnostics[name]).toBe(channel(name));
  });

  it("tells who subscribed, while they are, and says whether anybody is", () => {
    const heard: unknown[] = [];
    const listener = (event: unknown, from: string | symbol): void => {
      heard.push([from, event]);
    };
    const event = { topic: "orders", error: new Error("x") };
    const publish = (): void => (diagnostics[name] as { publish(event: unknown): void }).publish(event);

    expect(diagnostics[name].hasSubscribers).toBe(false);
    publish();
    subscribe(name, listener);
    expect(diagnostics[name].hasSubscribers).toBe(true);
    publish();
    unsubscribe(name, listener);
    expect(diagnostics[name].hasSubscribers).toBe(false);
    publish();
    expect(heard).toEqual([[name, event]]);
  });
});
