import { expect, it } from "vitest";
import { deferred } from "../../src/traits/deferred.ts";

it("a deferred resolves with what it is given, or as the promise it is given", async () => {
  const plain = deferred<number>();
  plain.resolve(1);
  expect(await plain.promise).toBe(1);

  const nested = deferred<Promise<number>>();
  nested.resolve(Promise.resolve(2));
  expect(await nested.promise).toBe(2);
});

it("a deferred rejects with what it is given", async () => {
  const failing = deferred<number>();
  const error = new Error("no");
  failing.reject(error);
  await expect(failing.promise).rejects.toBe(error);
});

it("a deferred is settled once, and its ends work apart from it", async () => {
  const { promise, resolve, reject } = deferred<string>();
  resolve("first");
  resolve("second");
  reject(new Error("third"));
  expect(await promise).toBe("first");
});

it("a deferred waits until it is told", async () => {
  const { promise, resolve } = deferred<void>();
  let settled = false;
  const watching = promise.then(() => {
    settled = true;
  });
  await new Promise((turn) => setImmediate(turn));
  expect(settled).toBe(false);
  resolve();
  await watching;
  expect(settled).toBe(true);
});
