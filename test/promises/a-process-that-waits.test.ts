import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a module over the public doors to its end. */
function runModule(script: string): Promise<Ended> {
  const source = `
    import { MemoryBroker, pipeline } from "${root}/src/index.ts";
    import { VirtualClock } from "${root}/src/testing/index.ts";
    ${script}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source], {
    cwd: root,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output: output.trim() })));
}

const opened = `
  const connection = await new MemoryBroker().connect();
  const run = pipeline(await connection.subscribe("orders")).handle(() => undefined);
`;
/** Ends the run from a timer that does not keep the process alive by itself. */
const later = (what: string): string => `setTimeout(() => { ${what} }, 300).unref();`;
const waited = 'console.log((await run.done).endedBy, process.getActiveResourcesInfo().includes("Timeout"));';

describe("a run keeps its process alive until it is over", { timeout: 60_000 }, () => {
  it.each([
    ["drained", "run.drain();", "drain"],
    ["stopped", "run.stop();", "stop"],
    ["ended by its connection", "connection.close();", "end"],
  ])("and lets it end when it was %s", async (_name, what, endedBy) => {
    expect(await runModule(`${opened} ${later(what)} ${waited}`)).toEqual({
      code: 0,
      output: `${endedBy} false`,
    });
  });

  it("and lets it end when it failed", async () => {
    const script = `
      const connection = await new MemoryBroker().connect();
      await connection.publisher().publish({ topic: "orders", payload: "1" });
      const publisher = {
        publish: () => Promise.reject(Object.assign(new Error("no"), { retryable: false })),
      };
      const run = pipeline(await connection.subscribe("orders"), { onError() {} })
        .onFailure({ deadLetter: { topic: "dead", publisher } })
        .handle(() => ({ kind: "dead-letter", reason: "bad" }));
      await run.done.catch((error) => console.log(error.message));
    `;
    expect(await runModule(script)).toEqual({ code: 0, output: "no" });
  });

  it("but not when its clock moves by hand", async () => {
    const script = `
      const connection = await new MemoryBroker({ clock: new VirtualClock() }).connect();
      pipeline(await connection.subscribe("orders")).handle(() => undefined);
      console.log("over");
    `;
    expect(await runModule(script)).toEqual({ code: 0, output: "over" });
  });
});
