import { describe, expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { clientNames, connect, errorOf, fresh, Loop, numbers, pause, texts, until } from "./stage.ts";

await describeLive("nats", "subjects on a NATS server", (server) => {
  describe.each(clientNames)("over %s", (client) => {
    const open = async () => (await connect(server, client)).core;

    it("carry payloads, headers and keys", async () => {
      const connection = await open();
      const topic = fresh("core");
      const loop = new Loop(await connection.subscribe(topic));
      const payload = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
      const headers = [
        ["x-a", "1"],
        ["X-A", "2"],
        ["content-type", "text/plain; q=1"],
        ["x-empty", ""],
        ["x-text", "naïve 日本"],
      ] as const;
      await connection.publisher().publish({ topic, payload, key: "k", headers });
      await connection.publisher().publish({ topic, payload: "" });
      const [first, second] = await loop.take(2);
      expect(Buffer.compare(first?.payload ?? new Uint8Array(), payload)).toBe(0);
      expect(first?.headers.getAll("x-a")).toEqual(["1", "2"]);
      expect(first?.headers.get("x-empty")).toBe("");
      expect(first?.headers.get("x-text")).toBe("naïve 日本");
      expect(first?.partitionKey).toBe("k");
      expect(second?.payload.byteLength).toBe(0);
    });

    it("are matched by patterns, and shared by queue groups", async () => {
      const connection = await open();
      const base = fresh("core");
      const all = new Loop(await connection.subscribePattern(`${base}.>`));
      const members = [1, 2].map(() => connection.subscribe(`${base}.a`, { group: "g" }));
      const subscribers = await Promise.all(members);
      const publisher = connection.publisher({ confirm: true });
      await Promise.all(numbers(100).map((payload) => publisher.publish({ topic: `${base}.a`, payload })));
      await publisher.publish({ topic: `${base}.b.c`, payload: "last" });
      expect((await all.take(101)).at(-1)?.topic).toBe(`${base}.b.c`);
      const shares = subscribers.map((one) => one[Symbol.asyncIterator]().takeReady?.(1_000) ?? []);
      expect(texts(shares.flat()).sort()).toEqual(numbers(100).sort());
      expect(shares.every((share) => share.length > 0)).toBe(true);
    });

    it("answer requests, many at once", async () => {
      const connection = await open();
      const topic = fresh("core");
      const responder = await connection.subscribe(topic);
      const publisher = connection.publisher();
      const answering = (async () => {
        for await (const message of responder) {
          const replyTo = message.headers.get("reply-to") ?? "";
          await publisher.publish({ topic: replyTo, payload: `re: ${message.text()}` });
        }
      })();
      const ask = (payload: string) => publisher.request({ topic, payload }, { timeoutMs: 5_000 });
      const answers = await Promise.all(numbers(200).map(ask));
      expect(texts(answers)).toEqual(numbers(200).map((number) => `re: ${number}`));
      const nobody = await errorOf(
        publisher.request({ topic: fresh("nobody"), payload: "" }, { timeoutMs: 5_000 }),
      );
      expect(nobody.message).toContain("nobody listens");
      await responder.close();
      await answering;
    });

    it("that come too fast for a slow loop are counted", async () => {
      const connection = await open();
      const topic = fresh("core");
      const subscriber = await connection.subscribe(topic, { inbox: { maxMessages: 100 } });
      const publisher = connection.publisher({ confirm: true });
      await Promise.all(numbers(1_000).map((payload) => publisher.publish({ topic, payload })));
      await until("900 are dropped", () => subscriber.dropped === 900);
      expect(texts(await new Loop(subscriber).take(100))).toEqual(numbers(100));
    });

    it("keep the process responsive to close() while others wait", async () => {
      const connection = await open();
      const topic = fresh("core");
      const waiting = (await connection.subscribe(topic))[Symbol.asyncIterator]().next();
      await pause(20);
      const began = performance.now();
      await connection.close();
      expect(performance.now() - began).toBeLessThan(1_000);
      expect((await waiting).done).toBe(true);
    });
  });
});
