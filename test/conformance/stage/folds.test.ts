import { expect, it } from "vitest";
import { Trace } from "../../../conformance/stage/trace.ts";

it("prints the lines of one step as one entry, and counts entries", () => {
  const trace = new Trace();
  trace.begin();
  const pull = trace.line("pull s1");
  const end = trace.fold("at once");
  const publish = trace.line("publish #1");
  trace.line("close s2");
  end();
  pull.outcome("#1");
  publish.outcome("an error");
  const last = trace.line("ack #1");
  last.outcome("an error");
  expect(trace.report().steps).toEqual([
    "pull s1 -> #1 (after 2.)",
    "at once: publish #1 -> an error; close s2",
    "ack #1 -> an error",
  ]);
});

it("cuts what is long, keeps one fold within another, and shows one that was not ended", () => {
  const trace = new Trace();
  trace.begin();
  trace.fold("9 times");
  for (let id = 1; id <= 9; id += 1) {
    const end = trace.fold("at once");
    trace.line(`ack #${id}`);
    end();
  }
  expect(trace.report().steps).toEqual([
    "9 times: ack #1; ack #2; ack #3; ... 3 more ...; ack #7; ack #8; ack #9",
  ]);
});
