import { expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

it("a signal that has aborted before handle: nothing is pulled, the subscriber is closed", async () => {
  const stage = new Stage();
  stage.deliver("a");
  const run = stage.pipeline.handle(() => stage.note("ran"), { signal: AbortSignal.abort() });
  expect(await run.done).toMatchObject({ endedBy: "stop", pulled: 0 });
  expect([stage.log, stage.subscriber.closed, stage.clock.timers]).toEqual([[], true, 0]);
});

it("a signal that aborts later: what runs is told, what waits goes back", async () => {
  const stage = new Stage();
  const [first, second] = stage.deliver("a b");
  const controller = new AbortController();
  const run = stage.pipeline.handle(
    (_message, { signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve());
      }),
    { signal: controller.signal },
  );
  await stage.clock.flush();
  controller.abort();
  expect(await run.done).toMatchObject({ endedBy: "stop", handled: 1 });
  expect([first?.settled, second?.settled]).toEqual([true, false]);
});

it("a run that is over no longer listens to its signal", async () => {
  const stage = new Stage();
  const gate = new Gate();
  const controller = new AbortController();
  const { signal } = controller;
  const added: unknown[] = [];
  const removed: unknown[] = [];
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    added.push(given[1]);
    addEventListener.apply(signal, given);
  };
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    removed.push(given[1]);
    removeEventListener.apply(signal, given);
  };
  stage.deliver("a");
  const run = stage.pipeline.handle(() => gate.opened, { signal });
  await stage.clock.flush();
  const drained = run.drain({ signal });
  gate.open();
  await drained;
  await stage.clock.flush();
  expect(added).toHaveLength(2);
  expect(new Set(removed)).toEqual(new Set(added));
});
