import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { ConfigResourceTypes } from "kafkajs";
import { KafkaBroker, type KafkaBrokerOptions } from "tidelane/kafka";
import { expect, it, onTestFinished } from "vitest";
import { freePorts } from "../../../scripts/brokers/ports.ts";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, topicOf, withAdmin } from "./stage.ts";

const user = { name: "ann", password: "open/sesame" };

/** The one sentence a failed connect tells; never with a credential in it, nor in what caused it. */
async function told(options: KafkaBrokerOptions): Promise<string> {
  const outcome = await new KafkaBroker({ connectionTimeoutMs: 1_000, ...options }).connect().then(
    async (connection) => {
      await connection.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  const { message, cause, stack } = (outcome ?? new Error("it connected")) as Error;
  const { message: under, stack: trace } = (cause ?? {}) as Partial<Error>;
  expect(outcome).toMatchObject({ code: "TIDELANE_CONNECT_FAILED" });
  expect([message, stack, under, trace].join("\n")).not.toMatch(/sesame/);
  return message;
}

await describeLive("kafka", "connecting to Kafka", (server) => {
  it("tells that nothing listens there", async () => {
    const [port = 0] = await freePorts(1);
    expect(await told({ brokers: `127.0.0.1:${port}` })).toBe(
      `Connecting to "kafka" failed: nothing listens at 127.0.0.1:${port}; check the port, and that the server is up.`,
    );
  });

  it("tells that there is no such host", async () => {
    expect(await told({ brokers: "no-such-host.invalid:9092" })).toMatch(
      /^Connecting to "kafka" failed: there is no such host: .*no-such-host\.invalid/,
    );
  });

  it("tells that nothing answers there", async () => {
    const silent = createServer((socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as { port: number };
    expect(await told({ brokers: `127.0.0.1:${port}`, requestTimeoutMs: 300 })).toBe(
      `Connecting to "kafka" failed: no answer in time; check the host and the port.`,
    );
  });

  it("tells that TLS is not spoken there", async () => {
    expect(await told({ brokers: server.address, ssl: true })).toMatch(
      /^Connecting to "kafka" failed: (TLS is on in the options, and the port does not speak it|the server.* closed the connection; check whether it wants TLS or SASL, and that the options say the same)\.$/,
    );
  });

  it("tells that no login is wanted there", async () => {
    const sasl = { mechanism: "plain", username: user.name, password: user.password } as const;
    expect(await told({ brokers: server.address, sasl })).toMatch(
      /^Connecting to "kafka" failed: .*(SASL|credentials)/i,
    );
  });

  it("is taken back by its signal", async () => {
    const abort = new AbortController();
    const connecting = new KafkaBroker({ brokers: server.address }).connect({ signal: abort.signal });
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
  });

  it("tells that a topic is missing, when it is subscribed and when it is published to", async () => {
    const connection = await connect(server);
    const topic = fresh("missing");
    await expect(connection.subscribe(topic)).rejects.toThrow(
      `The subscription of "${topic}" ended: the topic "${topic}" does not exist on the server; create it, or set create: true.`,
    );
    const publisher = connection.publisher();
    const calls = [publisher.publish({ topic, payload: "x" }), publisher.checkTopic(topic)];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({
        reason: {
          code: "TIDELANE_PUBLISH_FAILED",
          retryable: false,
          message: `The message for "${topic}" was not confirmed: the topic "${topic}" does not exist on the server; create it, or set create: true.`,
        },
      });
    }
  });

  it("creates a topic with its settings, as a source, a publisher and a check ask for it", async () => {
    const connection = await connect(server);
    const [first, second, third] = [fresh("made"), fresh("made"), fresh("made")];
    const create = { partitions: 3, config: { "cleanup.policy": "compact", "retention.ms": 60_000 } };
    const subscriber = await connection.subscribe(first, { group: `${first}-group`, create });
    expect(subscriber.assignment).toHaveLength(3);
    // Two at once: whoever comes second finds it.
    const publishers = [connection.publisher({ create }), connection.publisher({ create: true })];
    await Promise.all(publishers.map((one) => one.publish({ topic: second, key: "k", payload: "x" })));
    await connection.publisher({ create }).checkTopic(third);
    await expect(connection.publisher().publish({ topic: first, payload: "no key" })).rejects.toThrow(
      "the server does not accept the record; in a compacted topic every record needs a key",
    );
    const configOf = await withAdmin(server, async (admin) => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: first }];
      const { resources: answers } = await admin.describeConfigs({ resources, includeSynonyms: false });
      return new Map(answers[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]));
    });
    expect([configOf.get("cleanup.policy"), configOf.get("retention.ms")]).toEqual(["compact", "60000"]);
    const { topics } = await withAdmin(server, (admin) => admin.fetchTopicMetadata({ topics: [third] }));
    expect(topics[0]?.partitions).toHaveLength(3);
  });

  it("tells what the server refuses to create, and that a topic has fewer partitions", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, 2);
    await expect(connection.subscribe(topic, { create: { partitions: 3 } })).rejects.toThrow(
      `the topic "${topic}" has 2 partitions and create.partitions asks for 3; tidelane changes no topic that exists`,
    );
    await expect(
      connection.subscribe(fresh("replicated"), { create: { replicationFactor: 9 } }),
    ).rejects.toThrow("the cluster has fewer servers than create.replicationFactor asks for");
    await expect(
      connection.publisher({ create: { config: { "no.such": "x" } } }).checkTopic(fresh("configured")),
    ).rejects.toThrow("the server does not accept create.config");
  });

  it("tells that the server does not take the session", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    await expect(
      connection.subscribe(topic, { group: "g", sessionTimeoutMs: 200, heartbeatIntervalMs: 50 }),
    ).rejects.toThrow(/does not accept sessionTimeoutMs; its limits are group\.min\.session\.timeout\.ms/);
  });

  it("tells that a partition is not there", async () => {
    const connection = await connect(server);
    const topic = await topicOf(server);
    await expect(connection.subscribe(topic, { partitions: [7] })).rejects.toThrow(
      `the topic "${topic}" has no partition 7: it has 1, counted from 0; ask for another, or add partitions.`,
    );
  });
});

await describeLive(
  "kafka",
  "connecting to Kafka with a login",
  (server) => {
    const sasl = { mechanism: "plain", username: user.name, password: user.password } as const;

    it("goes through with the right one, and shows it nowhere", async () => {
      const connection = await connect(server, { sasl });
      expect(JSON.stringify(connection.describe())).not.toMatch(/sesame|\bann\b/);
    });

    it("tells that the login is refused", async () => {
      expect(await told({ brokers: server.address, sasl: { ...sasl, password: "closed sesame" } })).toMatch(
        /^Connecting to "kafka" failed: the server refused the credentials: /,
      );
    });

    it("tells that a login is wanted", async () => {
      expect(await told({ brokers: server.address, requestTimeoutMs: 1_000 })).toMatch(
        /check whether it wants TLS or SASL|no answer/,
      );
    });

    it("tells which mechanism the server does not offer", async () => {
      const other = { mechanism: "scram-sha-256", username: user.name, password: user.password } as const;
      expect(await told({ brokers: server.address, sasl: other })).toMatch(/SASL/);
    });
  },
  { own: true, user },
);

await describeLive(
  "kafka",
  "connecting to Kafka over TLS",
  (server) => {
    it("goes through with its certificate, and not without", async () => {
      const ca = readFileSync(server.contact.ca ?? "", "utf8");
      await connect(server, { ssl: { ca } });
      expect(await told({ brokers: server.address, ssl: true })).toBe(
        `Connecting to "kafka" failed: the certificate of the server is not trusted; give its issuer in ssl.ca.`,
      );
    });

    it("tells that TLS is wanted", async () => {
      expect(await told({ brokers: server.address, requestTimeoutMs: 1_000 })).toMatch(
        /closed the connection; check whether it wants TLS or SASL, and that the options say the same|no answer/,
      );
    });
  },
  { own: true, tls: true },
);

/** Has no permission at all, where nobody has one who is not a super user. */
const guest = { name: "bob", password: "closed/sesame" };

await describeLive(
  "kafka",
  "permissions on Kafka",
  (server) => {
    const login = { mechanism: "plain", username: guest.name, password: guest.password } as const;
    const sasl = { mechanism: "plain", username: user.name, password: user.password } as const;

    it("are told as missing, of a topic and of a group", async () => {
      const topic = fresh("secret");
      const owner = await connect(server, { sasl, create: true });
      await owner.publisher().publish({ topic, payload: "x" });
      const connection = await connect(server, { sasl: login });
      const refused = "the server refuses this user the topic; it needs an ACL for it";
      await expect(connection.subscribe(topic)).rejects.toThrow(refused);
      await expect(connection.publisher().publish({ topic, payload: "x" })).rejects.toThrow(refused);
    });
  },
  {
    own: true,
    user,
    config: [
      "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      `super.users=User:ANONYMOUS;User:${user.name}`,
      `listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="${user.name}" password="${user.password}" user_${user.name}="${user.password}" user_${guest.name}="${guest.password}";`,
    ],
  },
);
