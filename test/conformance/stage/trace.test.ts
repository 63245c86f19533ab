import { expect, it } from "vitest";
import { Trace } from "../../../conformance/stage/trace.ts";

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
