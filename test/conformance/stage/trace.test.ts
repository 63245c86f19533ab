import { expect, it } from "vitest";
import { Trace } from "../../../conformance/stage/trace.ts";
import { deferred } from "../../../src/traits/deferred.ts";

it("keeps the set-up, the steps and the end apart, and says when a late answer came", () => {
  const trace = new Trace();
  trace.line("open s1");
  trace.begin();
  const pull = trace.line("pull s1");
  const publish = trace.line("publish #1");
  pull.outcome("#1");
  publish.outcome("an error");
  trace.finish();
  trace.line("close s1");
  expect(trace.report()).toEqual({
    given: ["open s1"],
    steps: ["pull s1 -> #1 (after 2.)", "publish #1 -> an error"],
    end: ["close s1"],
  });
});

it("shows the calls that have no answer, and after which line an answer came", async () => {
  const trace = new Trace();
  trace.begin();
  const answers = ["requeue #1", "ack #2", "close s1"].map((text) => {
    const answer = deferred<void>();
    trace.line(text).awaits(answer.promise);
    return answer;
  });
  answers[1]?.resolve();
  answers[2]?.reject(new Error("refused"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(trace.report().steps).toEqual([
    "requeue #1 -> no answer",
    "ack #2 -> answered (after 3.)",
    "close s1",
  ]);
});
