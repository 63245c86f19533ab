import { describe, expect, expectTypeOf, it } from "vitest";
import { merged } from "../../src/sources/merged.ts";
import { type NamedSubscriber, named } from "../../src/sources/named.ts";
import { type RecordingMessage, type ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import type { Connection, Subscribe, SubscriptionSource } from "../../src/traits/broker.ts";
import type { Subscriber } from "../../src/traits/subscriber.ts";
import { message, ScriptedConnection, texts } from "./setup/doubles.ts";

describe("named", () => {
  it("opens by name on the connection it is given", async () => {
    const connection = new ScriptedConnection(new VirtualClock());
    const source = named<ScriptedConnection>("orders");
    const subscriber = await source.open(connection);
    expect(source.topic).toBe("orders");
    expect(subscriber).toBe(connection.opened.get("orders"));
  });

  it("rejects with the connection's own error", async () => {
    const connection = new ScriptedConnection(new VirtualClock());
    connection.refused.add("orders");
    await expect(connection.subscribe(named("orders"))).rejects.toThrow("orders was refused");
  });

  it("claims nothing before it knows its broker; what it opens does", async () => {
    const connection = new ScriptedConnection(new VirtualClock());
    const source = named<ScriptedConnection>("orders");
    expect(source.capabilities).toMatchObject({ settlement: "none", requeue: false, order: "none" });
    expect((await source.open(connection)).capabilities.order).toBe("topic");
  });

  it("refuses a name that is none", () => {
    expect(() => named("")).toThrow("named(topic) must be a non-empty string");
  });

  it("merges, on any connection", async () => {
    const connection = new ScriptedConnection(new VirtualClock());
    const subscriber = await connection.subscribe(merged([named("a"), named("b")]));
    connection.opened.get("b")?.deliver(message("b0"));
    connection.opened.get("a")?.deliver(message("a0"));
    expect(texts(subscriber[Symbol.asyncIterator]().takeReady?.(5) ?? [])).toEqual(["a0", "b0"]);
    expect(subscriber.capabilities.requeue).toBe(true);
  });

  it("gives the connection's own subscriber", async () => {
    const connection = new ScriptedConnection(new VirtualClock());
    expectTypeOf(await connection.subscribe(named("orders"))).toEqualTypeOf<ScriptedSubscriber>();
    expectTypeOf(named("orders")).toEqualTypeOf<SubscriptionSource<Connection & Subscribe, Subscriber>>();
    expectTypeOf(merged([named<ScriptedConnection>("a"), named<ScriptedConnection>("b")])).toEqualTypeOf<
      SubscriptionSource<ScriptedConnection, Subscriber<RecordingMessage>>
    >();
  });

  it("reads the overload by name, wherever it stands", () => {
    interface NameFirst extends Connection {
      subscribe(topic: string, options?: { group?: string }): Promise<ScriptedSubscriber>;
      subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S>;
    }
    interface NameAmong extends Connection {
      subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S>;
      subscribe(topic: string, options?: { group?: string }): Promise<ScriptedSubscriber>;
      subscribe(topics: readonly string[]): Promise<Subscriber>;
    }
    expectTypeOf<NamedSubscriber<NameFirst>>().toEqualTypeOf<ScriptedSubscriber>();
    expectTypeOf<NamedSubscriber<NameAmong>>().toEqualTypeOf<ScriptedSubscriber>();
    expect(named<NameFirst>("orders").topic).toBe("orders");
  });
});
