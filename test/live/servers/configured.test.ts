import { expect, it } from "vitest";
import { ServerStartError } from "../../../scripts/brokers/errors.ts";
import { type ServerOptions, serverKinds } from "../../../scripts/brokers/recipe.ts";
import { recipes } from "../../../scripts/brokers/recipes.ts";
import { readRecords } from "../../../scripts/brokers/record.ts";
import { startServer } from "../../../scripts/brokers/servers.ts";
import { describeLive } from "../describe-live.ts";

const guarded: ServerOptions = { user: { name: "clerk", password: "s3cret" }, tls: true };
const broken = {
  nats: "no_such_setting: 1",
  rabbitmq: "no.such.setting = 1",
  kafka: "metric.reporters=no.such.setting",
  redis: "no-such-setting 1",
};

for (const kind of serverKinds) {
  const { health } = recipes[kind];

  await describeLive(
    kind,
    `a ${kind} server of one's own configuration`,
    (server) => {
      it("answers who is its user and trusts its certificate", async () => {
        expect(await server.health()).toMatch(/nats|RabbitMQ|Kafka|Redis/);
      });

      it("answers nobody else", async () => {
        const { contact } = server;
        const liar = { name: "clerk", password: "guess" };
        const address = contact.address.replace("s3cret", "guess");
        await expect(health({ ...contact, address, user: liar })).rejects.toThrow();
        const { ca, ...trusting } = contact;
        expect(ca).toBeDefined();
        await expect(health(trusting)).rejects.toThrow();
      });

      it("ends at once when that is wrong, with the tail of its log, and leaves nothing", async () => {
        const others = readRecords().map(({ name }) => name);
        const start = startServer(kind, { config: [broken[kind]], report: () => {} });
        const error = await start.catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(ServerStartError);
        expect(String(error)).toMatch(/ended while it was starting.*no.such.setting/s);
        const left = readRecords().filter(({ name }) => name.startsWith(`${kind}-${process.pid}-`));
        expect(left.map(({ name }) => name).filter((name) => !others.includes(name))).toEqual([]);
      });
    },
    { own: true, ...guarded },
  );
}
