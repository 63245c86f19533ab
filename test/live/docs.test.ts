import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { extractSnippets, placeOf } from "../docs/snippets.ts";
import { Workbench } from "../docs/workbench.ts";
import { describeLive } from "./describe-live.ts";
import { addressVariables, namesOf, serverOf } from "./places.ts";

const folder = "docs/brokers";
const files = existsSync(`${root}/${folder}`) ? readdirSync(`${root}/${folder}`) : [];

it("every page of a broker is known here", () => {
  // The page of the memory broker needs no server: test/docs/documents.test.ts runs it.
  const live = files.filter((file) => file !== "memory.md");
  expect(live.filter((file) => serverOf[file.replace(/\.md$/, "")] === undefined)).toEqual([]);
});

for (const kind of ["nats", "rabbitmq", "kafka", "redis"] as const) {
  for (const name of namesOf(kind, files, ".md")) {
    const document = `${folder}/${name}.md`;
    const snippets = extractSnippets(document, readFileSync(`${root}/${document}`, "utf8"));
    await describeLive(kind, `the snippets of ${document}`, (server) => {
      const workbench = new Workbench(snippets);
      afterAll(() => workbench.remove());
      beforeAll(() => {
        process.env[addressVariables[kind]] = server.address;
        const spies = [vi.spyOn(console, "log"), vi.spyOn(console, "error"), vi.spyOn(console, "table")];
        for (const spy of spies) spy.mockImplementation(() => undefined);
        return () => {
          for (const spy of spies) spy.mockRestore();
        };
      });

      // One after the other, as a reader would try them.
      for (const snippet of snippets.filter(({ noRun }) => !noRun)) {
        it(`${placeOf(snippet)} runs`, () => workbench.run(snippet));
      }
    });
  }
}
