import { expect, it } from "vitest";
import { Harm, type HarmSite } from "../../../scripts/faults/harm.ts";

/** A server whose restart is answered by hand. */
function slowServer() {
  let answer: (error?: Error) => void = () => {};
  const server = {
    kill: () => Promise.resolve(),
    restart: () =>
      new Promise<void>((resolve, reject) => {
        answer = (error) => (error === undefined ? resolve() : reject(error));
      }),
  };
  const site = { server, proxy: {}, members: {}, seed: 1, restarted: () => Promise.resolve() };
  const harm = new Harm(site as unknown as HarmSite);
  return { harm, answer: (error?: Error) => answer(error) };
}

const fault = { kind: "server-kill", afterHandled: 0, thenMs: 0, lastsMs: 0, times: 1 } as never;

/** Until the timer of the fault, which lasts 0 ms, has fired and the restart was asked for. */
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

it("a server that was killed is away until it is back, however long its start takes", async () => {
  const { harm, answer } = slowServer();
  expect(harm.serverIsAway).toBe(false);
  const done = harm.do(fault, () => {});
  await soon();
  expect(harm.serverIsAway).toBe(true);
  answer();
  await done;
  expect(harm.serverIsAway).toBe(false);
});

it("a server that does not start again is no longer waited for", async () => {
  const { harm, answer } = slowServer();
  const done = harm.do(fault, () => {});
  await soon();
  answer(new Error("it did not start"));
  await expect(done).rejects.toThrow("it did not start");
  expect(harm.serverIsAway).toBe(false);
});
