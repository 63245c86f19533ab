import { createServer } from "node:net";
import { isTidelaneError } from "tidelane";
import { JetStreamBroker, type JetStreamConnection, type JetStreamOptions, NatsBroker } from "tidelane/nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { clients } from "./fixture.ts";
import { clientNames, connect, errorOf, fresh, Loop } from "./stage.ts";

const user = { name: "joe", password: "hunter2" };

/** The reason of a connect that fails: what stands between "failed: " and the address. */
async function failure(options: JetStreamOptions) {
  const error = await errorOf(new JetStreamBroker({ connectTimeoutMs: 1_000, ...options }).connect());
  expect(isTidelaneError(error, "TIDELANE_CONNECT_FAILED")).toBe(true);
  expect(`${error.message} ${String((error.cause as Error | undefined)?.stack)}`).not.toContain("hunter2");
  const [, reason, address] =
    /^Connecting to "jetstream" failed: (.*) \(([^()]*)\)\.$/.exec(error.message) ?? [];
  return { reason, address, retryable: (error as { retryable?: boolean }).retryable };
}

const hostOf = (address: string): string => new URL(address).host;

await describeLive(
  "nats",
  "connecting to a server with users",
  (server) => {
    describe.each(clientNames)("over %s", (name) => {
      const client = clients[name];
      const host = hostOf(server.address);

      it("says that the password is wrong, or missing", async () => {
        for (const login of ["", "joe:wrong-hunter2@", "hunter2@"]) {
          expect(await failure({ servers: `nats://${login}${host}`, client })).toEqual({
            reason:
              "the server refused the credentials; are user and password, or the token, given and right?",
            address: host,
            retryable: false,
          });
        }
      });

      it("takes them in the URL and in the options, and shows them nowhere", async () => {
        const places: JetStreamOptions[] = [
          { servers: server.address },
          { servers: host, user: user.name, password: user.password },
        ];
        for (const place of places) {
          const connection = await new JetStreamBroker({ ...place, client }).connect();
          expect(JSON.stringify(connection.describe())).not.toMatch(/joe|hunter2/);
          await connection.close();
        }
      });
    });
  },
  { own: true, user },
);

await describeLive("nats", "connecting to a server without TLS", (server) => {
  describe.each(clientNames)("over %s", (name) => {
    it.each(["tls: true", "tls://"])("says that TLS is asked for and not offered: %s", async (how) => {
      const host = hostOf(server.address);
      const options = how === "tls://" ? { servers: `tls://${host}` } : { servers: host, tls: true as const };
      expect(await failure({ ...options, client: clients[name] })).toEqual({
        reason:
          "TLS is asked for, and the server does not offer it; leave tls out here, or configure it at the server",
        address: host,
        retryable: false,
      });
    });
  });
});

await describeLive(
  "nats",
  "connecting to a server with TLS",
  (server) => {
    describe.each(clientNames)("over %s", (name) => {
      const client = clients[name];

      it.each(["nats://", "tls://"])("says that its certificate is not trusted: %s", async (scheme) => {
        const host = hostOf(server.address);
        expect(await failure({ servers: `${scheme}${host}`, client })).toEqual({
          reason: "the certificate of the server is not trusted; give its issuer in tls.ca or tls.caFile",
          address: host,
          retryable: false,
        });
      });

      it("works with its issuer", async () => {
        const tls = { caFile: server.contact.ca ?? "" };
        const connection = await new JetStreamBroker({ servers: server.address, client, tls }).connect();
        expect(connection.describe().version).toMatch(/^\d+\.\d+\.\d+/);
        await connection.close();
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
  const placeOf = (server: typeof silent): string => {
    const address = server.address();
    return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
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
    expect(await failure({ servers: "127.0.0.1:1", client })).toEqual({
      reason: "nothing listens there; check the port, and that the server is up",
      address: "127.0.0.1:1",
      retryable: true,
    });
  });

  it("says that there is no such host", async () => {
    expect(await failure({ servers: "nats://no-such-host.invalid", client })).toMatchObject({
      reason: "there is no such host; is its name right?",
      address: "no-such-host.invalid:4222",
    });
  });

  it("says that nobody answered in time", async () => {
    expect(await failure({ servers: placeOf(silent), client, connectTimeoutMs: 200 })).toEqual({
      reason: "no NATS server answered in time; check the host and the port",
      address: placeOf(silent),
      retryable: true,
    });
  });

  it("says that something else answers", async () => {
    expect(await failure({ servers: placeOf(other), client })).toMatchObject({
      reason: "what answers there is no NATS server; is that its port?",
      address: placeOf(other),
    });
  });

  it("ends at once with its signal", async () => {
    const controller = new AbortController();
    const broker = new NatsBroker({ servers: placeOf(silent), client });
    const connecting = errorOf(broker.connect({ signal: controller.signal }));
    controller.abort();
    expect((await connecting).message).toBe("connect() was aborted by its signal.");
  });
});

const permissions = [
  `authorization { users: [
    { user: admin, password: admin }
    { user: joe, password: hunter2, permissions: { publish: ["ok.>", "_INBOX.>"], subscribe: ["ok.>", "_INBOX.>"] } }
    { user: mute, password: hunter2, permissions: { publish: ["$JS.API.>", "mute.>"], subscribe: ["_INBOX.>"] } }
    { user: deaf, password: hunter2, permissions: { publish: ">", subscribe: "ok.>" } }
  ] }`,
  "no_auth_user: admin",
];

await describeLive(
  "nats",
  "without permission",
  (server) => {
    describe.each(clientNames)("over %s", (name) => {
      const as = async (login: string): Promise<JetStreamConnection> =>
        connect({ address: `nats://${login}@${hostOf(server.address)}` }, name);
      const hint = "give it that permission, or connect as another";

      it("everything says which permission it is that is missing", async () => {
        const { core, ...joe } = await parts(as("joe:hunter2"));
        const message = { topic: "a.b", payload: "" };
        const mayNot = (what: string) => `the server does not permit this user to ${what}; ${hint}.`;
        const refusals: [call: () => Promise<unknown>, sentence: string][] = [
          [() => core.subscribe("a.b"), `The subscription of "a.b" ended: ${mayNot('subscribe to "a.b"')}`],
          [
            () => core.publisher({ confirm: true }).publish(message),
            `The message for "a.b" was not confirmed: ${mayNot('publish to "a.b"')}`,
          ],
          [
            () => core.publisher().request(message, { timeoutMs: 5_000 }),
            `The message for "a.b" was not confirmed: ${mayNot('publish to "a.b"')}`,
          ],
          [
            () => joe.publish(message),
            `The message for "a.b" was not confirmed: ${mayNot('publish to "a.b"')}`,
          ],
          [
            () => joe.subscribe("a.b"),
            `The subscription of "a.b" ended: ${mayNot('publish to "$JS.API.STREAM.NAMES"')}`,
          ],
          [
            () => joe.createStream("T"),
            `createStream() is not supported here: ${mayNot('publish to "$JS.API.STREAM.INFO.T"')}`,
          ],
        ];
        for (const [call, sentence] of refusals) expect((await errorOf(call())).message).toBe(sentence);
      });

      it("to settle: the subscription ends, rather than all coming again for ever", async () => {
        const mute = await as("mute:hunter2");
        const stream = fresh("mute");
        await mute.createStream(stream, { subjects: [`mute.${stream}`] });
        await mute.publisher().publish({ topic: `mute.${stream}`, payload: "" });
        const loop = new Loop(await mute.subscribe(`mute.${stream}`, { from: "start" }));
        const message = await loop.next();
        await message.ack();
        const error = await errorOf(loop.next());
        expect(error.message.replace(/"\$JS\.ACK\.[^"]*"/, '"ACK"')).toBe(
          `The subscription of "mute.${stream}" ended: what is settled does not get through: the server does not permit this user to publish to "ACK"; ${hint}.`,
        );
        expect(message.signal.aborted).toBe(false);
      });

      it("to receive answers: it names the prefix they come to", async () => {
        const deaf = await as("deaf:hunter2");
        const error = await errorOf(deaf.subscribe("a.b"));
        expect(error.message.replace(/_INBOX\.\w+/, "_INBOX.ID")).toBe(
          `The subscription of "a.b" ended: the server does not permit this user to subscribe to "_INBOX.ID.*"; ${hint}, where answers come; see options.inboxPrefix.`,
        );
      });
    });
  },
  { own: true, config: permissions },
);

async function parts(connecting: Promise<JetStreamConnection>) {
  const connection = await connecting;
  const publisher = connection.publisher();
  return {
    core: connection.core,
    publish: (message: { topic: string; payload: string }) => publisher.publish(message),
    subscribe: (topic: string) => connection.subscribe(topic),
    createStream: (stream: string) => connection.createStream(stream, { subjects: [stream] }),
  };
}

await describeLive("nats", "what is missing, or different", (server) => {
  it.each(clientNames)("is named, with what to do: over %s", async (client) => {
    const connection = await connect(server, client);
    const name = fresh("missing");
    const topic = `${name}.a`;
    const said = async (promise: Promise<unknown>) => (await errorOf(promise)).message;
    expect(await said(connection.subscribe(topic))).toBe(
      `The subscription of "${topic}" ended: no stream has the subject "${topic}"; create one, or let create: true create it.`,
    );
    expect(await said(connection.subscribe(topic, { stream: name }))).toBe(
      `The subscription of "${topic}" ended: there is no stream "${name}"; create it, or let create: true create it.`,
    );
    expect(await said(connection.publisher().publish({ topic, payload: "" }))).toBe(
      `The message for "${topic}" was not confirmed: no stream has the subject "${topic}"; create one with connection.createStream(), or add the subject to one with update: "add".`,
    );
    await connection.createStream(name, { subjects: [`${name}.>`] });
    expect(await said(connection.createStream(name, { subjects: ["x"] }))).toBe(
      `settings.subjects must be "${name}.>", as the stream "${name}" has it (it lacks "x"; update: "add" adds what is missing); received "x".`,
    );
    const where = `the consumer "g" of the stream "${name}"`;
    await connection.subscribe(topic, {
      group: "g",
      ackDeadlineMs: 1_000,
    });
    expect(await said(connection.subscribe(topic, { group: "g", ackDeadlineMs: 2_000 }))).toBe(
      `options.ackDeadlineMs must be 1000, as ${where} has it (leave it out to take that, or delete the consumer to have it made again); received 2000.`,
    );
    expect(await said(connection.subscribe(`${name}.b`, { group: "g" }))).toBe(
      `The subject must be "${topic}", as ${where} has it; received "${name}.b".`,
    );
  });
});
