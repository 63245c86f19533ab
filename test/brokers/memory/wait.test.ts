import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { type Bound, Lifetime } from "../../../src/brokers/memory/lifetime.ts";
import { Wait } from "../../../src/brokers/memory/wait.ts";
import { AbortedError, ConnectionClosedError } from "../../../src/traits/errors.ts";

/** A lifetime that shows who depends on it. */
class OpenLifetime extends Lifetime {
  readonly dependants = new Set<Bound>();

  override add(bound: Bound): void {
    this.dependants.add(bound);
    super.add(bound);
  }

  override delete(bound: Bound): void {
    this.dependants.delete(bound);
    super.delete(bound);
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
