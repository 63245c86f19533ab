import { describe, expect, it } from "vitest";
import {
  JetStreamBroker,
  jetStreamPatternSource,
  jetStreamSource,
  NatsBroker,
  natsPatternSource,
  natsSource,
} from "../../../src/brokers/nats/index.ts";

describe("options", () => {
  it.each([
    [{ servers: "http://x" }, "options.servers"],
    [{ name: "" }, "options.name"],
    [{ password: 5 }, "options.password"],
    [{ authenticator: "x" }, "options.authenticator"],
    [{ client: {} }, "options.client"],
    [{ client: { connect: () => {} } }, "options.client"],
    [{ client: { connection: {}, headers: () => {} } }, "options.client"],
    [{ connectTimeoutMs: 0 }, "options.connectTimeoutMs"],
    [{ pingIntervalMs: Number.NaN }, "options.pingIntervalMs"],
    [{ publishTimeoutMs: -1 }, "options.publishTimeoutMs"],
    [{ closeTimeoutMs: -1 }, "options.closeTimeoutMs"],
    [{ inboxPrefix: "a.*" }, "options.inboxPrefix"],
    [{ reconnect: { maxAttempts: 1.5 } }, "options.reconnect.maxAttempts"],
    [{ reconnect: { maxMs: -1 } }, "options.reconnect.maxMs"],
  ])("%j names %s", (options, argument) => {
    expect(() => new NatsBroker(options as never)).toThrow(`${argument} must be`);
  });

  it.each([
    [{ domain: "a.b" }, "options.domain"],
    [{ apiPrefix: "a b" }, "options.apiPrefix"],
    [{ domain: "a", apiPrefix: "b" }, "options.apiPrefix"],
    [{ apiTimeoutMs: 0 }, "options.apiTimeoutMs"],
  ])("of JetStream: %j names %s", (options, argument) => {
    expect(() => new JetStreamBroker(options)).toThrow(`${argument} must be`);
  });

  it("that nobody reads are refused, nested ones too, with the call", () => {
    const calls: [() => unknown, string][] = [
      [() => new NatsBroker({ uri: "x" } as never), 'new NatsBroker(options) has no option "uri"'],
      [
        () => new JetStreamBroker({ reconnect: { initalMs: 5 } } as never),
        'new JetStreamBroker(options) has no option "reconnect.initalMs"; the nearest one is "initialMs".',
      ],
      [() => new NatsBroker({ connect: { wait: 5 } } as never), 'has no option "connect.wait"'],
      [() => new JetStreamBroker({ domian: "x" } as never), 'has no option "domian"'],
      [
        () => natsSource("a", { inbox: { maxMessage: 5 } } as never),
        'natsSource("a", options) has no option "inbox.maxMessage"',
      ],
      [
        () => natsPatternSource("a.*", { gruop: "g" } as never),
        'natsPatternSource("a.*", options) has no option "gruop"; the nearest one is "group".',
      ],
      [
        () => jetStreamSource("a", { ensure: true } as never),
        'jetStreamSource("a", options) has no option "ensure"',
      ],
      [
        () => jetStreamPatternSource("a.*", { create: { maxAge: 5 } } as never),
        'has no option "create.maxAge"; the nearest one is "maxAgeMs".',
      ],
    ];
    for (const [call, message] of calls) expect(call).toThrow(message);
  });

  it("of the client, of TLS and of an authenticator are the client's to read", () => {
    const free = { clientOptions: { anything: 1 }, tls: { servername: "x" }, authenticator: () => {} };
    expect(() => new NatsBroker(free as never)).not.toThrow();
  });

  it("have defaults", () => {
    expect(new NatsBroker().name).toBe("nats");
    expect(new JetStreamBroker().name).toBe("jetstream");
  });
});

describe("a source", () => {
  it.each([
    [{ group: "a b" }, "options.group"],
    [{ inbox: { maxMessages: 0 } }, "options.inbox.maxMessages"],
    [{ inbox: { maxBytes: 1.5 } }, "options.inbox.maxBytes"],
    [{ inbox: { overflow: "wait" } }, "options.inbox.overflow"],
  ])("of subjects: %j names %s", (options, argument) => {
    expect(() => natsSource("a", options as never)).toThrow(`${argument} must be`);
  });

  it.each([
    [{ stream: "a.b" }, "options.stream"],
    [{ group: ">" }, "options.group"],
    [{ from: "yesterday" }, "options.from"],
    [{ from: { sequence: 0 } }, "options.from.sequence"],
    [{ from: { time: new Date("x") } }, "options.from"],
    [{ ackDeadlineMs: 0 }, "options.ackDeadlineMs"],
    [{ maxInFlight: 0 }, "options.maxInFlight"],
    [{ prefetch: 0 }, "options.prefetch"],
    [{ maxAckPending: 0 }, "options.maxAckPending"],
    [{ heartbeatMs: 50 }, "options.heartbeatMs"],
    [{ recoveryMs: 0 }, "options.recoveryMs"],
    [{ prefetch: 9, maxInFlight: 8 }, "options.prefetch"],
    [{ create: "stream" }, "options.create"],
    [{ create: { subjects: [] } }, "options.create.subjects"],
    [{ create: { update: "all" } }, "options.create.update"],
    [{ create: { maxAgeMs: -1 } }, "options.create.maxAgeMs"],
  ])("of a stream: %j names %s", (options, argument) => {
    expect(() => jetStreamSource("a", options as never)).toThrow(`${argument} must be`);
  });

  it("by name takes no pattern, and by pattern takes one", () => {
    expect(() => natsSource("a.*")).toThrow("natsPatternSource");
    expect(() => jetStreamSource("a.*")).toThrow("jetStreamPatternSource");
    expect(natsPatternSource("a.*").topic).toBe("a.*");
    expect(jetStreamPatternSource("a.>").topic).toBe("a.>");
  });

  it("says what it promises", () => {
    expect(natsSource("a").capabilities).toMatchObject({
      settlement: "none",
      requeue: false,
      backlog: false,
    });
    expect(
      jetStreamSource("a", { ackDeadlineMs: 5, maxInFlight: 3, from: "start" }).capabilities,
    ).toMatchObject({
      settlement: "ack",
      delayedRequeue: "native",
      deliveryCount: "broker",
      ackDeadlineMs: 5,
      maxInFlight: 3,
      backlog: true,
      seek: true,
    });
    expect(jetStreamSource("a", { group: "g" }).capabilities).toMatchObject({ seek: true, backlog: true });
    expect(jetStreamSource("a").capabilities.backlog).toBe(false);
    expect(jetStreamSource("a", { group: "g", from: "new" }).capabilities.backlog).toBe(false);
  });
});
