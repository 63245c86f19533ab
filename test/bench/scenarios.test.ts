import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Contest, ModuleSpec } from "../../bench/method/contract.ts";
import { scenarios } from "../../bench/scenarios/index.ts";

const addresses = { nats: "nats://there", rabbitmq: "amqp://there", kafka: "there:9092" };
const contests = Object.values(scenarios).flatMap((scenario) => scenario.contests(addresses));

function modulesOf({ loops, work }: Contest): ModuleSpec[] {
  const partner = work.kind === "burst" ? work.partner : work.kind === "start" ? undefined : work.publisher;
  return [...loops, ...(partner ? [partner] : [])];
}

describe("the scenarios of the bench", () => {
  it("name each contest once, and each loop of a contest once", () => {
    expect(new Set(contests.map(({ name }) => name)).size).toBe(contests.length);
    for (const { name, loops } of contests) {
      expect([name, new Set(loops.map((loop) => loop.name)).size]).toEqual([name, loops.length]);
    }
  });

  it.each(contests.map((contest) => [contest.name, contest] as const))(
    "%s names modules that are there, and rivals that run",
    (_, contest) => {
      for (const { module } of modulesOf(contest)) {
        const source = new URL(`../../bench/${module.replace(/\.js$/, ".ts")}`, import.meta.url);
        expect([module, existsSync(fileURLToPath(source))]).toEqual([module, true]);
      }
      const names = contest.loops.map(({ name }) => name);
      for (const { against = [] } of contest.loops) {
        expect(names).toEqual(expect.arrayContaining(against.map(({ loop }) => loop)));
      }
    },
  );

  it("hold the app against NestJS on each broker it has a transport for", () => {
    const goals = contests
      .filter(({ name }) => name.startsWith("peers-"))
      .flatMap(({ name, loops }) =>
        loops.flatMap(({ against = [] }) => against.map((rival) => [name, rival])),
      );
    for (const name of ["peers-nats", "peers-rabbitmq", "peers-kafka"]) {
      expect(goals).toContainEqual([name, { loop: "nest", atLeast: 1.5 }]);
    }
  });
});
