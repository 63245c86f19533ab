import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { abortable } from "../../../src/brokers/shared/abortable.ts";
import { nextTurn } from "../../../src/traits/clock.ts";
import { deferred } from "../../../src/traits/deferred.ts";

describe("abortable()", () => {
  it("ends as the promise does, and leaves nothing on the signal", async () => {
    const { signal } = new AbortController();
    expect(await abortable(Promise.resolve(1), signal, "connect()")).toBe(1);
    await expect(abortable(Promise.reject(new Error("no")), signal, "connect()")).rejects.toThrow("no");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("rejects when the signal fires, and discards what comes too late", async () => {
    const controller = new AbortController();
    const { promise, resolve } = deferred<string>();
    const discarded: string[] = [];
    const call = abortable(promise, controller.signal, "connect()", (late) => discarded.push(late));
    controller.abort("enough");
    await expect(call).rejects.toMatchObject({ code: "TIDELANE_ABORTED", cause: "enough" });
    expect(discarded).toEqual([]);
    resolve("a connection");
    await nextTurn();
    expect(discarded).toEqual(["a connection"]);
  });

  it("rejects at once where the signal has fired already", async () => {
    const call = abortable(new Promise(() => {}), AbortSignal.abort(), "connect()");
    await expect(call).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
  });

  it.each([
    ["a promise that rejects too late", () => Promise.reject(new Error("late")), () => {}],
    ["a discard that rejects", () => Promise.resolve(1), () => Promise.reject(new Error("cannot close"))],
    [
      "a discard that throws",
      () => Promise.resolve(1),
      () => {
        throw new Error("cannot close");
      },
    ],
  ])("owns %s", async (_, promise, discard) => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", onUnhandled);
    const call = abortable<unknown>(promise(), AbortSignal.abort(), "connect()", discard);
    await expect(call).rejects.toMatchObject({ code: "TIDELANE_ABORTED" });
    await nextTurn();
    await nextTurn();
    process.off("unhandledRejection", onUnhandled);
    expect(unhandled).toEqual([]);
  });
});
