import { expect, it } from "vitest";
import { isAlive } from "../../../scripts/brokers/processes.ts";
import { serverKinds } from "../../../scripts/brokers/recipe.ts";
import { describeLive } from "../describe-live.ts";
import { rawClients } from "./raw-clients.ts";

const texts = Array.from({ length: 500 }, (_, index) => `text ${index}`);

for (const kind of serverKinds) {
  await describeLive(
    kind,
    `a ${kind} server`,
    (server) => {
      const client = rawClients[kind](server.address);

      it("answers", async () => {
        await client.declare("ordinary");
        await client.publish("ordinary", texts);
        expect(await client.read("ordinary", texts.length)).toEqual(texts);
      });

      it("has what it confirmed after SIGKILL and a restart, at the same address", async () => {
        const { address, process } = server;
        await client.declare("killed");
        await server.declarationsKept();
        await client.publish("killed", texts);
        await server.kill();
        expect(process && isAlive(process)).toBe(false);
        await expect(server.health()).rejects.toThrow();
        await server.restart();
        expect(server.address).toBe(address);
        expect(await client.read("killed", texts.length)).toEqual(texts);
      });

      it("has it after a stop and a restart", async () => {
        await client.declare("stopped");
        await client.publish("stopped", texts);
        await server.stop();
        expect(await server.running()).toBe(false);
        await server.restart();
        expect(await client.read("stopped", texts.length)).toEqual(texts);
      });
    },
    { own: true },
  );
}
