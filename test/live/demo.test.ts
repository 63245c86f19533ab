import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { describeLive } from "./describe-live.ts";

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function demo(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", "tsx", "examples/demo/main.ts", ...argv], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = new Promise<number | null>((resolve) => {
    child.once("close", resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, out, err };
}

for (const kind of ["nats", "rabbitmq", "kafka"] as const) {
  await describeLive(kind, `npm run demo -- --broker ${kind}`, (server) => {
    it("replays the whole log in order, and leaves the server as it was", async () => {
      const { code, out, err } = await demo(["--broker", kind]);
      expect(err).toBe("");
      expect(out).toContain(`broker ${kind}`);
      expect(out).toMatch(/lines read +4,992/);
      expect(out).toMatch(/handled +4,946 /);
      expect(out).toMatch(/dead letters +46 /);
      expect(out).toMatch(/order violations +0 /);
      expect(code).toBe(0);
      expect(await server.health()).not.toBe("");
      expect(await server.running()).toBe(true);
    }, 120_000);
  });
}

const variables = {
  nats: "TIDELANE_NATS_URL",
  rabbitmq: "TIDELANE_AMQP_URL",
  kafka: "TIDELANE_KAFKA_BROKERS",
};
const nowhere = { nats: "nats://127.0.0.1:1", rabbitmq: "amqp://127.0.0.1:1", kafka: "127.0.0.1:1" };

describe("the demo without its server", () => {
  it.each(["nats", "rabbitmq", "kafka"] as const)(
    "says so in a sentence: %s",
    async (kind) => {
      const { code, out, err } = await demo(["--broker", kind], { [variables[kind]]: nowhere[kind] });
      expect(out).toBe("");
      expect(err).toMatch(/^Connecting to "[a-z]+" failed: .*127\.0\.0\.1:1/);
      expect(err).not.toContain("    at ");
      expect(code).toBe(1);
    },
    120_000,
  );
});
