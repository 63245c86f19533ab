import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { AmqpBroker, type AmqpBrokerOptions, amqpQueue } from "tidelane/amqp";
import { expect, it, onTestFinished } from "vitest";
import { freePorts } from "../../../scripts/brokers/ports.ts";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, open } from "./stage.ts";

const user = { name: "ann", password: "open/sesame" };

/** The one sentence a failed connect tells; never with a credential in it, nor in what caused it. */
async function told(options: AmqpBrokerOptions): Promise<string> {
  const outcome = await new AmqpBroker({ connectTimeoutMs: 5_000, ...options }).connect().then(
    async (connection) => {
      await connection.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  const { message, cause, stack } = (outcome ?? new Error("it connected")) as Error;
  const all = [
    message,
    stack,
    (cause as Error | undefined)?.message,
    (cause as Error | undefined)?.stack,
  ].join("\n");
  expect(outcome).toMatchObject({ code: "TIDELANE_CONNECT_FAILED" });
  expect(all).not.toMatch(/sesame|\bann\b/);
  return message;
}

await describeLive("rabbitmq", "connecting to RabbitMQ", (server) => {
  const base = (): URL => new URL(server.address);

  it("tells that nothing listens there", async () => {
    const [port = 0] = await freePorts(1);
    const message = await told({ url: `amqp://ann:open%2Fsesame@127.0.0.1:${port}` });
    expect(message).toBe(
      `Connecting to "rabbitmq" failed: 127.0.0.1:${port}: nothing listens there; check the address, and that the server is up.`,
    );
  });

  it("tells that the host is not known", async () => {
    expect(await told({ url: "amqp://no-such-host.invalid" })).toMatch(
      /^Connecting to "rabbitmq" failed: no-such-host\.invalid:5672: the host name (is not known|could not be looked up); check the address/,
    );
  });

  it("tells that something else listens there, or nothing that answers", async () => {
    const answers: (string | undefined)[] = ["HTTP/1.1 400 Bad Request\r\n\r\n", undefined];
    const stranger = createServer((socket) => {
      const answer = answers.shift();
      socket.on("error", () => {});
      if (answer !== undefined) socket.end(answer);
    });
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void stranger.close());
    const url = `amqp://127.0.0.1:${(stranger.address() as { port: number }).port}`;
    expect(await told({ url })).toMatch(/does not speak AMQP 0-9-1|closed the connection in the handshake/);
    expect(await told({ url, connectTimeoutMs: 300 })).toMatch(/no answer in 300 ms/);
  });

  it("tells that the login is refused", async () => {
    const url = `amqp://ann:open%2Fsesame@${base().host}`;
    expect(await told({ url })).toBe(
      `Connecting to "rabbitmq" failed: ${base().host}: it refused the user name or the password; check both, percent-encoded, in the URL.`,
    );
  });

  it("tells that there is no such virtual host", async () => {
    expect(await told({ url: `${server.address}/nowhere` })).toBe(
      `Connecting to "rabbitmq" failed: ${base().host}: it has no virtual host "nowhere", or this user may not use it; create it, or grant it to the user.`,
    );
  });

  it("tells that TLS is not spoken there", async () => {
    expect(await told({ url: server.address.replace("amqp:", "amqps:") })).toBe(
      `Connecting to "rabbitmq" failed: ${base().host}: it does not speak TLS; use amqp: in place of amqps:, or its TLS port.`,
    );
  });

  it("tells what of the topology conflicts", async () => {
    const name = fresh("conflict");
    await connect(server, { topology: { exchanges: [{ name, type: "topic" }] } });
    expect(await told({ url: server.address, topology: { exchanges: [{ name, type: "fanout" }] } })).toBe(
      `Connecting to "rabbitmq" failed: its topology could not be declared: it exists with other settings (inequivalent arg 'type' for exchange '${name}' in vhost '/': received 'fanout' but current is 'topic'); declare it with those, or delete it first.`,
    );
  });

  it("is taken back by its signal", async () => {
    const abort = new AbortController();
    const connecting = new AmqpBroker({ url: server.address }).connect({ signal: abort.signal });
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
  });

  it("shows the server's version, and no login", async () => {
    const connection = await connect(server);
    expect(connection.describe()).toEqual({
      protocol: "amqp",
      address: base().host,
      version: expect.stringMatching(/^RabbitMQ \d+\.\d+\.\d+$/),
    });
  });
});

await describeLive("rabbitmq", "subscribing on RabbitMQ", (server) => {
  it("tells that the queue is missing, or another one", async () => {
    const connection = await connect(server);
    const queue = fresh("queue");
    await expect(connection.subscribe(queue)).rejects.toThrow(
      `The subscription of "${queue}" ended: the queue "${queue}" does not exist; subscribe with create: true, or create it first.`,
    );
    await open(connection, queue);
    await expect(open(connection, queue, { type: "classic" })).rejects.toThrow(
      `The subscription of "${queue}" ended: it exists with other settings (inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '/': received 'classic' but current is 'quorum'); declare it with those, or delete it first.`,
    );
    await expect(open(connection, queue, { bindings: [{ exchange: "nope" }] })).rejects.toThrow(
      `The subscription of "${queue}" ended: the exchange "nope" does not exist; name it in the topology of the broker, or create it first.`,
    );
    const classic = { type: "classic", exclusive: true } as const;
    await open(connection, `${queue}-alone`, classic);
    await expect(open(connection, `${queue}-alone`, classic)).rejects.toThrow(
      `The subscription of "${queue}-alone" ended: another consumer or connection uses it exclusively (queue '${queue}-alone' in vhost '/' in exclusive use); close that one first.`,
    );
  });

  it("tells of an exchange the server does not know the type of, and the connection lives on", async () => {
    const connection = await connect(server);
    const queue = fresh("queue");
    const exchanges = [{ name: fresh("x"), type: "x-no-such-type" }];
    await expect(open(connection, queue, { exchanges })).rejects.toThrow(
      `The subscription of "${queue}" ended: unknown exchange type 'x-no-such-type'; name one the server has, or enable the plugin that has it.`,
    );
    const orders = await open(connection, queue);
    expect(connection.state).toBe("open");
    await orders.close();
  });
});

await describeLive("rabbitmq", "publishing on RabbitMQ", (server) => {
  it("tells what there is none of, and what to do", async () => {
    const connection = await connect(server);
    const publish = (exchange: string): Promise<void> =>
      connection.publisher({ exchange }).publish({ topic: "nowhere", payload: "a" });
    await expect(publish("")).rejects.toThrow(
      'The message for "nowhere" was not confirmed: there is no queue "nowhere"; create it first, as a source with create: true does, or publish with mandatory: false.',
    );
    await expect(publish("amq.topic")).rejects.toThrow(
      'The message for "nowhere" was not confirmed: no queue is bound to the exchange "amq.topic" for the routing key "nowhere"; bind one first, or publish with mandatory: false.',
    );
    await expect(publish("nope")).rejects.toThrow(
      'The message for "nowhere" was not confirmed: the exchange "nope" does not exist; name it in the topology of the broker, or create it first.',
    );
  });
});

await describeLive(
  "rabbitmq",
  "a RabbitMQ with TLS, and users who may not do everything",
  (server) => {
    it("is reached by its certificate, and says what is wrong without", async () => {
      const { ca = "" } = server.contact;
      const connection = await connect(server, { tls: { ca: readFileSync(ca) } });
      expect(connection.describe().protocol).toBe("amqps");
      const { host } = new URL(server.address);
      expect(await told({ url: server.address })).toBe(
        `Connecting to "rabbitmq" failed: ${host}: its certificate is not trusted; give the one of its issuer in tls.ca.`,
      );
      expect(await told({ url: server.address.replace("amqps:", "amqp:") })).toBe(
        `Connecting to "rabbitmq" failed: ${host}: it closed the connection in the handshake; if it expects TLS, use an amqps: URL.`,
      );
    });

    it("tells what is not permitted, and not to whom", async () => {
      const { ca = "" } = server.contact;
      const connection = await connect(server, { tls: { ca: readFileSync(ca) } });
      for (const source of [amqpQueue("theirs", { create: true }), amqpQueue("theirs")]) {
        const outcome = await connection.subscribe(source).catch((error: unknown) => error);
        expect(outcome).toMatchObject({
          code: "TIDELANE_SUBSCRIPTION_FAILED",
          message:
            "The subscription of \"theirs\" ended: the server refuses it (access to queue 'theirs' in vhost '/' refused for this user); grant the user that permission, as by rabbitmqctl set_permissions.",
        });
        const { message, cause } = outcome as Error;
        expect(`${message} ${(cause as Error).message}`).not.toContain("ann");
      }
      const mine = await open(connection, "mine");
      await connection.publisher().publish({ topic: "mine", payload: "a" });
      await mine.close();
      const publishing = connection
        .publisher({ exchange: "amq.topic" })
        .publish({ topic: "a", payload: "b" });
      await expect(publishing).rejects.toMatchObject({
        code: "TIDELANE_PUBLISH_FAILED",
        retryable: false,
        message:
          "The message for \"a\" was not confirmed: the server refuses it (access to exchange 'amq.topic' in vhost '/' refused for this user); grant the user that permission, as by rabbitmqctl set_permissions.",
      });
    });
  },
  {
    own: true,
    user,
    tls: true,
    config: [
      "default_permissions.configure = ^mine",
      "default_permissions.write = ^(mine|amq.default)",
      "default_permissions.read = ^(mine|amq.default)",
    ],
  },
);
