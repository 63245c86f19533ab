import { expect, it } from "vitest";
import { Harm, type HarmSite } from "../../../scripts/faults/harm.ts";

/** A server whose restart is answered by hand. */
function slowServer() {
  let answer: (error?: Error) => void = () => {};
  let asked: () => void = () => {};
  const restarting = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const server = {
    kill: () => Promise.resolve(),
    restart: () =>
      new Promise<void>((resolve, reject) => {
        answer = (error) => (error === undefined ? resolve() : reject(error));
        asked();
      }),
  };
  const site = { server, proxy: {}, members: {}, seed: 1, restarted: () => Promise.resolve() };
  const harm = new Harm(site as unknown as HarmSite);
  return { harm, restarting, answer: (error?: Error) => answer(error) };
}

const fault = { kind: "server-kill", afterHandled: 0, thenMs: 0, lastsMs: 0, times: 1 } as never;

it("a server that was killed is away until it is back, however long its start takes", async () => {
  const { harm, restarting, answer } = slowServer();
  expect(harm.serverIsAway).toBe(false);
  const done = harm.do(fault, () => {});
  await restarting;
  expect(harm.serverIsAway).toBe(true);
  answer();
  await done;
  expect(harm.serverIsAway).toBe(false);
});

it("a server that does not start again is no longer waited for", async () => {
  const { harm, restarting, answer } = slowServer();
  const done = harm.do(fault, () => {});
  await restarting;
  answer(new Error("it did not start"));
  await expect(done).rejects.toThrow("it did not start");
  expect(harm.serverIsAway).toBe(false);
});
