import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Lifetime } from "../../../../src/brokers/memory/connection/lifetime.ts";
import { Wait } from "../../../../src/brokers/memory/publisher/wait.ts";
import type { ConnectionListener } from "../../../../src/brokers/memory/server/server-connection.ts";
import { AbortedError, ConnectionClosedError } from "../../../../src/traits/errors.ts";

/** A lifetime that shows who depends on it. */
class OpenLifetime extends Lifetime {
  readonly dependants = new Set<ConnectionListener>();

  override add(listener: ConnectionListener): void {
    this.dependants.add(listener);
    super.add(listener);
  }

  override delete(listener: ConnectionListener): void {
    this.dependants.delete(listener);
    super.delete(listener);
  }
}

function setUp() {
  const lifetime = new OpenLifetime("memory");
  const controller = new AbortController();
  const overs: string[] = [];
  const wait = new Wait<string>("publish()", lifetime, controller.signal, () => overs.push("over"));
  const held = (): number => lifetime.dependants.size + getEventListeners(controller.signal, "abort").length;
  return { lifetime, controller, wait, overs, held };
}

describe("Wait", () => {
  it.each<[string, (tools: ReturnType<typeof setUp>) => void, unknown]>([
    ["its value", ({ wait }) => wait.resolve("a"), "a"],
    ["an error", ({ wait }) => wait.reject("b"), "b"],
    ["its signal", ({ controller }) => controller.abort(), expect.any(AbortedError)],
    [
      "its connection",
      ({ lifetime }) => lifetime.end({ reason: "gone", killed: false }),
      expect.any(ConnectionClosedError),
    ],
  ])("ends once, by %s, and lets go of everything else", async (_name, end, expected) => {
    const tools = setUp();
    expect([tools.held(), tools.wait.over]).toEqual([2, false]);
    end(tools);
    tools.wait.resolve("too late");
    tools.controller.abort();
    tools.lifetime.end({ reason: "too late", killed: true });
    const outcome = await tools.wait.promise.catch((error: unknown) => error);
    expect(outcome).toEqual(expected);
    expect(tools.overs).toEqual(["over"]);
    expect(tools.wait.over).toBe(true);
    expect(getEventListeners(tools.controller.signal, "abort")).toHaveLength(0);
  });

  it("that is over is known to nobody", () => {
    const tools = setUp();
    tools.wait.resolve("a");
    expect(tools.held()).toBe(0);
  });
});
