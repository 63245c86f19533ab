import { describe, expect, it } from "vitest";
import { departures, upwardImports } from "./floor-plan.ts";
import { type Module, parseModule, readModules } from "./modules.ts";

const modules = readModules("src/brokers");

/** The smallest adapter that follows the plan, with these changes. */
function adapter(changes: {
  without?: readonly string[];
  with?: Readonly<Record<string, string>>;
}): Module[] {
  const files = {
    "index.ts": 'export * from "./broker.ts";',
    "broker.ts": 'import "./connection/connection.ts";',
    "source.ts": 'import type { A } from "./connection/connection.ts";',
    "options.ts": 'import "./client.ts";',
    "client.ts": "",
    "connection/connection.ts": 'import "./dial.ts"; import "../consumer/subscriber.ts";',
    "connection/dial.ts": "",
    "consumer/subscriber.ts": 'import "../message/message.ts";',
    "consumer/inbox.ts": "",
    "publisher/publisher.ts": 'import "../options.ts";',
    "publisher/requests.ts": "",
    "message/message.ts": "",
    "message/headers.ts": "",
    ...changes.with,
  };
  return Object.entries(files)
    .filter(([path]) => changes.without?.includes(path) !== true)
    .map(([path, text]) => parseModule(`src/brokers/planted/${path}`, text));
}

describe("the floor plan of adapters", () => {
  it("is kept by every adapter", () => {
    expect(new Set(modules.map(({ path }) => path.split("/")[2]))).toEqual(
      new Set(["amqp", "jetstream", "kafka", "memory", "nats", "redis", "shared"]),
    );
    expect(departures(modules)).toEqual([]);
  });

  it("is kept by an adapter that has what it must have", () => {
    expect(departures(adapter({}))).toEqual([]);
  });

  it.each([
    [
      "another file at the top",
      { with: { "helpers.ts": "" } },
      "planted/helpers.ts is not in the floor plan",
    ],
    ["another room", { with: { "pull/a.ts": "", "pull/b.ts": "" } }, "planted/pull is not in the floor plan"],
    [
      "the memory broker's own room",
      { with: { "server/server.ts": "", "server/topic.ts": "" } },
      "planted/server is not in the floor plan",
    ],
    ["no source", { without: ["source.ts"] }, "planted/source.ts is missing"],
    [
      "no publisher",
      { without: ["publisher/publisher.ts", "publisher/requests.ts"] },
      "planted/publisher is missing",
    ],
    [
      "a room without its entry",
      { without: ["consumer/subscriber.ts"] },
      "planted/consumer/subscriber.ts is missing",
    ],
    ["a room of one file", { without: ["message/headers.ts"] }, "planted/message has 1 files"],
    [
      "a room of eleven",
      { with: Object.fromEntries("abcdefghi".split("").map((name) => [`consumer/${name}.ts`, ""])) },
      "planted/consumer has 11 files",
    ],
    [
      "an inner room of one",
      { with: { "consumer/group/join.ts": "" } },
      "planted/consumer/group has 1 files",
    ],
    ["no options", { without: ["options.ts"] }, "planted has 0 places for its options, and not one"],
    [
      "options in two places",
      { with: { "options/options.ts": "", "options/publisher.ts": "" } },
      "planted has 2 places for its options, and not one",
    ],
  ])("is not kept with %s", (_, changes, departure) => {
    expect(departures(adapter(changes))).toContain(departure);
  });
});

describe("imports inside an adapter", () => {
  it("point down the floor plan", () => {
    expect(upwardImports(modules)).toEqual([]);
    expect(upwardImports(adapter({}))).toEqual([]);
  });

  it.each([
    ["consumer/inbox.ts", "../connection/dial.ts", "connection/dial.ts"],
    ["consumer/inbox.ts", "../publisher/requests.ts", "publisher/requests.ts"],
    ["message/headers.ts", "../topology/topology.ts", "topology/topology.ts"],
    ["options.ts", "./message/headers.ts", "message/headers.ts"],
    ["source.ts", "./broker.ts", "broker.ts"],
    ["client.ts", "./other.ts", "other.ts"],
  ])("of %s to %s would be named, also of a type", (path, specifier, target) => {
    const planted = adapter({ with: { [path]: `import type { A } from "${specifier}";` } });
    expect(upwardImports(planted)).toEqual([`src/brokers/planted/${path}:1 imports ${target}`]);
  });
});
