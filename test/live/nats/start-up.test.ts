import { createServer } from "node:net";
import { JetStreamBroker, type JetStreamOptions, NatsBroker } from "tidelane/nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { clients } from "./fixture.ts";
import { clientNames, errorOf } from "./stage.ts";

const user = { name: "joe", password: "hunter2" };

async function failure(options: JetStreamOptions) {
  const error = await errorOf(new JetStreamBroker({ connectTimeoutMs: 1_000, ...options }).connect());
  expect(error).toMatchObject({ code: "TIDELANE_CONNECT_FAILED" });
  expect(`${error.message} ${String((error.cause as Error | undefined)?.stack)}`).not.toContain("hunter2");
  return { message: error.message, retryable: (error as { retryable?: boolean }).retryable };
}

const withHost = (address: string, login: string): string => address.replace(/\/\/(.*@)?/, `//${login}`);

await describeLive(
  "nats",
  "connecting to a server with users",
  (server) => {
    describe.each(clientNames)("over %s", (name) => {
      const client = clients[name];

      it("says that the password is wrong, or missing", async () => {
        for (const login of ["", "joe:wrong-hunter2@", "hunter2@"]) {
          const { message, retryable } = await failure({ servers: withHost(server.address, login), client });
          expect(message).toContain("refused the credentials");
          expect(retryable).toBe(false);
        }
      });

      it("takes them in the URL and in the options, and shows them nowhere", async () => {
        const places: JetStreamOptions[] = [
          { servers: server.address },
          { servers: withHost(server.address, ""), user: user.name, password: user.password },
        ];
        for (const place of places) {
          const connection = await new JetStreamBroker({ ...place, client }).connect();
          expect(JSON.stringify(connection.describe())).not.toMatch(/joe|hunter2/);
          await connection.shutdown();
        }
      });

      it("says that TLS is asked for and not offered", async () => {
        const { message } = await failure({ servers: server.address, client, tls: true });
        expect(message).toContain("TLS is asked for, and the server does not offer it");
      });
    });
  },
  { own: true, user },
);

await describeLive(
  "nats",
  "connecting to a server with TLS",
  (server) => {
    describe.each(clientNames)("over %s", (name) => {
      const client = clients[name];

      it("says that its certificate is not trusted", async () => {
        expect((await failure({ servers: server.address, client })).message).toContain("not trusted");
      });

      it("works with its issuer", async () => {
        const tls = { caFile: server.contact.ca ?? "" };
        const connection = await new JetStreamBroker({ servers: server.address, client, tls }).connect();
        expect(connection.describe().version).toMatch(/^\d+\.\d+\.\d+/);
        await connection.shutdown();
      });
    });
  },
  { own: true, tls: true },
);

describe.each(clientNames)("without a server, over %s", (name) => {
  const client = clients[name];
  const silent = createServer((socket) => void socket.on("error", () => {}));
  const other = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const portOf = (server: typeof silent): number => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  beforeAll(async () => {
    for (const server of [silent, other]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
  });
  afterAll(() => {
    silent.close();
    other.close();
  });

  it("says that nothing listens, and that trying again may help", async () => {
    const { message, retryable } = await failure({ servers: "127.0.0.1:1", client });
    expect(message).toContain("nothing listens there");
    expect(message).toContain("127.0.0.1:1");
    expect(retryable).toBe(true);
  });

  it("says that there is no such host", async () => {
    expect((await failure({ servers: "nats://no-such-host.invalid", client })).message).toContain(
      "no such host",
    );
  });

  it("says that nobody answered in time", async () => {
    const { message } = await failure({
      servers: `127.0.0.1:${portOf(silent)}`,
      client,
      connectTimeoutMs: 200,
    });
    expect(message).toContain("no NATS server answered in time");
  });

  it("says that something else answers", async () => {
    const { message } = await failure({ servers: `127.0.0.1:${portOf(other)}`, client });
    expect(message).toContain("what answers there is no NATS server");
  });

  it("ends at once with its signal", async () => {
    const controller = new AbortController();
    const broker = new NatsBroker({ servers: `127.0.0.1:${portOf(silent)}`, client });
    const connecting = errorOf(broker.connect({ signal: controller.signal }));
    controller.abort();
    expect((await connecting).name).toBe("AbortedError");
  });
});
