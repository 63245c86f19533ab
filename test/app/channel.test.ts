import { bytes, type Channel, channel, createApp, headerNames, json, MemoryBroker, text } from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const Order = z.object({ customer: z.string(), total: z.number() });

/** An app with nothing but a broker, under test: what a test publishes on a channel, or what refuses it. */
async function publishing<T>(
  work: (test: Awaited<ReturnType<typeof testApp>>) => Promise<T>,
  subscribe: (app: ReturnType<typeof empty>) => void = () => undefined,
): Promise<T> {
  const app = empty();
  subscribe(app);
  await using test = await testApp(app);
  return await work(test as never);
}

const empty = () => createApp({ name: "shop", broker: new MemoryBroker() });

describe("publishing on a channel", () => {
  it("refuses a value before it leaves, with every issue and its path", async () => {
    const orders = channel("orders", { schema: Order });
    const invalid = { customer: 7, total: "x" } as never;
    await publishing(async (test) => {
      const failed = await test.publish(orders, invalid).catch((error: unknown) => error);
      expect(failed).toMatchObject({
        code: "TIDELANE_INVALID_MESSAGE",
        topic: "orders",
        issues: [{ path: ["customer"] }, { path: ["total"] }],
      });
      expect(String(failed)).toMatch(
        /^InvalidMessageError: The message for "orders" was not sent: the value does not fit the schema of its channel \(customer: .*; total: .*\)\.$/,
      );
      expect(test.story()).toBe("  nothing");
    });
  });

  it("sends what was given and hands over what the schema makes of it, with the key of the latter", async () => {
    const times = channel("times", {
      schema: z.object({ at: z.string().transform((at) => new Date(at)), zone: z.string().default("utc") }),
      key: ({ zone }) => zone,
    });
    const got: unknown[] = [];
    await publishing(
      (test) => test.publish(times, { at: "2026-11-28T00:00:00.000Z" }),
      (app) =>
        app.subscribe(times, (value, { message, key }) => {
          got.push(value, message.json(), key, message.partitionKey);
        }),
    );
    expect(got).toEqual([
      { at: new Date("2026-11-28T00:00:00.000Z"), zone: "utc" },
      { at: "2026-11-28T00:00:00.000Z" },
      "utc",
      "utc",
    ]);
  });

  it.each([
    ["json", json, { a: 1 }, "application/json"],
    ["text", text, "tea", "text/plain; charset=utf-8"],
    ["bytes", bytes, new Uint8Array([1, 0, 255]), "application/octet-stream"],
  ])("carries %s and stamps its content type", async (_name, codec, value, contentType) => {
    const any = channel("any", { codec: codec as typeof json });
    const got: unknown[] = [];
    await publishing(
      async (test) => {
        await test.publish(any, value);
        await test.publish(any, value, { headers: { "Content-Type": "application/x-own" } });
      },
      (app) =>
        app.subscribe(any, (value, { headers }) => {
          got.push(value, headers.get(headerNames.contentType));
        }),
    );
    expect(got).toEqual([value, contentType, value, "application/x-own"]);
  });

  it.each<[string, Channel<"orders", unknown, never>, string]>([
    [
      "a schema that throws",
      channel("orders", {
        schema: z.unknown().transform((): string => {
          throw new Error("out of paper");
        }),
      }) as never,
      "the schema failed: out of paper",
    ],
    [
      "a key function that throws",
      channel("orders", {
        key: () => {
          throw new Error("no customer");
        },
      }) as never,
      "its key function threw: no customer",
    ],
    [
      "a key that is missing",
      channel("orders", { schema: Order, key: () => undefined as never }) as never,
      "its key function returned undefined; the key of a channel is a string",
    ],
    [
      "a codec that cannot carry the value",
      channel("orders", { codec: text }) as never,
      "its codec failed: ",
    ],
  ])("refuses %s", async (_name, orders, reason) => {
    const valid = { customer: "ann", total: 3 } as never;
    await publishing(async (test) => {
      await expect(test.publish(orders, valid)).rejects.toThrow(`"orders" was not sent: ${reason}`);
    });
  });

  it("waits for a schema that is asynchronous, on both sides", async () => {
    const slow = channel("slow", {
      schema: z.string().refine(async (given) => (await Promise.resolve(given)) !== "bad", "is bad"),
    });
    await publishing(
      async (test) => {
        await expect(test.publish(slow, "bad")).rejects.toThrow("(value): is bad");
        await test.publish(slow, "good");
        expect(test.received(slow)).toEqual(["good"]);
      },
      (app) => app.subscribe(slow, () => undefined),
    );
  });

  it("checks headers, and hands them over typed", async () => {
    const orders = channel("orders", {
      schema: Order,
      headers: z.object({ "tenant-id": z.string(), priority: z.coerce.number().default(1) }),
    });
    const order = { customer: "ann", total: 3 };
    const got: unknown[] = [];
    await publishing(
      async (test) => {
        await test.publish(orders, order, { headers: { "tenant-id": "acme" } });
        await expect(test.publish(orders, order, { headers: {} as never })).rejects.toMatchObject({
          reason: "its headers do not fit the schema of its channel",
          issues: [{ path: ["tenant-id"] }],
        });
        await test
          .publish(channel("orders", { codec: bytes }) as never, new Uint8Array() as never)
          .catch(String);
      },
      (app) =>
        app.subscribe(orders, (_order, { headers }) => {
          got.push(headers);
        }),
    );
    expect(got).toEqual([{ "tenant-id": "acme", priority: 1 }]);
  });

  it("dead-letters a message whose headers do not fit", async () => {
    const strict = channel("orders", { codec: text, headers: z.object({ "tenant-id": z.string() }) });
    const app = empty();
    app.subscribe(strict, { onFailure: { deadLetter: "dead" } }, () => undefined);
    await using test = await testApp(app);
    await app.connection().publisher().publish({ topic: "orders", payload: "tea" });
    await test.quiet();
    expect(test.received(strict)).toEqual([]);
    expect(test.deadLettered(strict)).toMatchObject([
      {
        value: undefined,
        topic: "dead",
        reason: expect.stringContaining("its headers do not fit the schema"),
      },
    ]);
  });
});

describe("a topic with parameters", () => {
  const orders = channel("orders.{tenant}.{kind}", { codec: text });

  it("is filled on publish and read on a subscription to all of them", async () => {
    const got: unknown[] = [];
    await publishing(
      async (test) => {
        await test.publish(orders, "tea", { params: { tenant: "acme", kind: "new" } });
        expect(test.received(orders)).toEqual(["tea"]);
      },
      (app) =>
        app.subscribe(orders, (_order, { params, topic }) => {
          got.push(params, topic);
        }),
    );
    expect(got).toEqual([{ tenant: "acme", kind: "new" }, "orders.acme.new"]);
  });

  it.each([
    [{ tenant: "a.b", kind: "new" }, 'params.tenant is "a.b"; it must be a non-empty string without'],
    [{ tenant: "*", kind: "new" }, 'params.tenant is "*"'],
    [{ tenant: "", kind: "new" }, 'params.tenant is ""'],
    [{ tenant: "a b", kind: "new" }, 'params.tenant is "a b"'],
    [{ tenant: "acme" }, "params.kind is missing"],
    [{ tenant: "acme", kind: 3 }, "params.kind is 3"],
    [{ tenant: "acme", kind: "new", knid: "x" }, 'it has no parameter "knid"; it has tenant, kind'],
    [undefined, "params.tenant is missing"],
  ])("refuses %j", async (params, reason) => {
    await publishing(async (test) => {
      const options = { params } as never;
      await expect(test.publish(orders, "tea", options)).rejects.toThrow(
        `"orders.{tenant}.{kind}" was not sent: ${reason}`,
      );
    });
  });

  it.each([
    ["orders.{tenant}s", 'a topic whose parameters are whole tokens, as in "orders.{tenant}"'],
    ["orders.{}", "a topic whose parameters are whole tokens"],
    ["orders.{a}.{a}", "a topic that names each parameter once"],
    ["orders.*", "a topic without wildcards"],
    ["", "a non-empty string"],
  ])("cannot be %j", (topic, expected) => {
    expect(() => channel(topic)).toThrow(`channel(topic) must be ${expected}`);
  });
});

describe("channel()", () => {
  it.each([
    [{ shcema: Order }, 'channel("orders", options) has no option "shcema"; the nearest one is "schema".'],
    [{ schema: {} }, 'channel("orders", options): schema must be a Standard Schema'],
    [{ codec: {} }, 'channel("orders", options): codec must be a codec: json, text, bytes'],
    [{ key: "customer" }, 'channel("orders", options): key must be a function; received "customer".'],
    [{ headers: 3 }, 'channel("orders", options): headers must be a Standard Schema'],
  ])("refuses %j", (options, sentence) => {
    expect(() => channel("orders", options as never)).toThrow(sentence);
  });

  it("is frozen data", () => {
    const orders = channel("orders", { schema: Order });
    expect(Object.isFrozen(orders)).toBe(true);
    expect(orders).toMatchObject({ topic: "orders", schema: Order, codec: json, key: undefined });
  });
});
