import { createServer } from "node:net";
import { expect, it } from "vitest";
import { freePorts } from "../../../scripts/brokers/ports.ts";

it("gives different ports that can be listened on, none from the range of outgoing connections", async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  const servers = await Promise.all(
    ports.map((port) => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => {
        server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
      });
    }),
  );
  for (const server of servers) server.close();
});
