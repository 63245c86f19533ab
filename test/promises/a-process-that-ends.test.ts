import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
  readonly output: string;
}

/** Runs a module over the public door, and kills it once `until` stands in what it says of errors. */
function runModule(script: string, until?: string): Promise<Ended> {
  const source = `import { ConnectFailedError, createApp, MemoryBroker, pipeline } from "${root}/src/index.ts";\n${script}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source], {
    cwd: root,
  });
  let errors = "";
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    errors += data;
    if (until !== undefined && errors.includes(until)) child.kill("SIGKILL");
  });
  return new Promise((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, errors, output })),
  );
}

/** An app whose only handler holds the process and heeds nothing, and is told to end. */
const hanging = (options: string): string => `
  const app = createApp({ name: "shop", broker: new MemoryBroker() });
  app.mount(async (connection) =>
    pipeline(await connection.subscribe("orders"))
      .handle(() => new Promise(() => {
        setInterval(() => undefined, 1_000);
        process.kill(process.pid, "SIGTERM");
      })),
  );
  const over = app.run(${options});
  while (app.health.state !== "running") await new Promise((resolve) => setImmediate(resolve));
  await app.connection().publisher().publish({ topic: "orders", payload: "1", key: "ann" });
  const { signal, runs } = await over;
  console.log(signal, runs[0].left.length);
`;
/** The same, with more steps; the app ends by itself. */
const failing = (steps: string, options: string): string => `
  const app = createApp({ name: "shop", broker: new MemoryBroker() });
  app.mount(async (connection) => {
    const orders = await connection.subscribe("orders");
    await connection.publisher().publish({ topic: "orders", payload: "1" });
    return pipeline(orders, { onError() {} })${steps};
  });
  await app.run(${options});
`;
const hang = "() => new Promise(() => setInterval(() => undefined, 1_000))";
const named = '1 handlers have not returned: "orders" (attempt 1). ';

describe("an app whose handler never returns", { timeout: 60_000 }, () => {
  it("names it when it has ended, and the process stays as long as the handler holds it", async () => {
    const { signal, errors, output } = await runModule(hanging("{ deadlineMs: 50 }"), named);
    expect(errors).toContain(named);
    expect(errors).toContain("exitOnStop");
    expect([signal, output.trim()]).toEqual(["SIGKILL", "SIGTERM 1"]);
  });

  it("ends the process with exitOnStop, having named it", async () => {
    const { code, errors } = await runModule(hanging("{ deadlineMs: 50, exitOnStop: true }"));
    expect(errors).toContain(named);
    expect(code).toBe(1);
  });

  it("ends the process with exitOnStop also when a timeout gave the handler up", async () => {
    const steps = `.onFailure({ maxAttempts: 1, deadLetter: "drop" })
      .handle(${hang}, { timeoutMs: 20, onTimeout: "abandon" })`;
    const script = failing(steps, "{ deadlineMs: 50, exitOnStop: true }");
    const { code, errors } = await runModule(
      script.replace(
        "await app.run",
        "setTimeout(() => process.kill(process.pid, 'SIGTERM'), 200); await app.run",
      ),
    );
    expect(errors).toContain(named);
    expect(code).toBe(1);
  });

  it("ends the process with exitOnStop also when another run failed, having told its error", async () => {
    const script = failing(`.handle(${hang})`, "{ deadlineMs: 50, exitOnStop: true }").replace(
      "await app.run(",
      `app.mount(async (connection) => {
        const broken = new Error("broken");
        const publisher = { publish: () => Promise.reject(Object.assign(broken, { retryable: false })) };
        const tea = await connection.subscribe("tea");
        await connection.publisher().publish({ topic: "tea", payload: "1" });
        return pipeline(tea, { onError() {} })
          .onFailure({ maxAttempts: 1, deadLetter: { topic: "dead", publisher } })
          .handle(() => { throw new Error("bad"); });
      });
      const told = (error) => console.log("caught", error.message);
      await app.run(`,
    );
    const { code, errors, output } = await runModule(script.replace(/\}\);\s*$/, "}).catch(told);"));
    expect(errors).toContain(named);
    expect([code, output.trim()]).toEqual([1, "caught broken"]);
  });
});

it("a first connect that fails prints its sentence, and no frame of this library", {
  timeout: 60_000,
}, async () => {
  const { code, errors } = await runModule(`
    const app = createApp({ name: "shop", broker: { name: "nats", connect: async () => {
      throw new ConnectFailedError({ broker: "nats", reason: "nobody answers at 127.0.0.1:4222", retryable: true });
    } } });
    await app.run();
  `);
  expect(code).toBe(1);
  expect(errors).toContain(
    'ConnectFailedError: Connecting to "nats" failed: nobody answers at 127.0.0.1:4222; to wait until it can be reached, set connect: { waitMs } of the broker.',
  );
  expect(errors).not.toMatch(/src\/|app\/app/);
});
