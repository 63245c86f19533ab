import { by, byKey, KeyError, pipeline } from "tidelane";
import { ScriptedSubscriber } from "tidelane/testing";
import { describe, expect, it, vi } from "vitest";
import { RecordingPublisher, Stage } from "./stage.ts";

/** Things that cannot be turned into text. */
const unspeakable: readonly (readonly [string, () => unknown])[] = [
  ["an object without a prototype", () => Object.create(null)],
  ["an error whose message explodes", () => explosiveError()],
  ["an object whose toString explodes", () => ({ toString: explode })],
  ["a symbol", () => Symbol("odd")],
];

function explode(): never {
  throw new Error("boom");
}

function explosiveError(): Error {
  return Object.defineProperty(new Error("x"), "message", { get: explode });
}

describe.each(unspeakable)("%s", (_name, make) => {
  it.each(["at once", "later"] as const)(
    "thrown %s by a handler is a failure like any other",
    async (when) => {
      const stage = new Stage();
      const publisher = new RecordingPublisher();
      const thrown = make();
      stage.deliver("k:1 k:2 j:1");
      stage.subscriber.end();
      const run = stage.pipeline
        .workers(2, byKey)
        .onFailure({ maxAttempts: 2, deadLetter: { topic: "dead", publisher } })
        .handle((message): undefined | Promise<undefined> => {
          stage.log.push(message.text());
          if (message.text() !== "k:1") return undefined;
          if (when === "at once") throw thrown;
          return Promise.reject(thrown);
        });
      await stage.clock.advance(100);
      expect(await run.done).toMatchObject({ handled: 2, deadLettered: 1, failures: 2 });
      expect(stage.errors).toEqual([thrown, thrown]);
      expect(stage.log).toEqual(["k:1", "j:1", "k:1", "k:2"]);
      const headers = new Map(publisher.published[0]?.headers as Iterable<[string, string]>);
      expect(headers.get("x-tidelane-dead-letter-error")).toMatch(/./);
    },
  );

  it("thrown by a codec is a payload that does not decode", async () => {
    const stage = new Stage();
    const thrown = make();
    stage.deliver("1 2");
    stage.subscriber.end();
    const run = stage.pipeline
      .decode({
        contentType: "text/plain",
        encode: () => new Uint8Array(),
        decode: () => {
          throw thrown;
        },
      })
      .handle(() => undefined);
    expect(await run.done).toMatchObject({ undecodable: 2, dropped: 2 });
    expect(stage.errors).toMatchObject([{ code: "TIDELANE_DECODE", cause: thrown }, { cause: thrown }]);
  });

  it("thrown by a key function is a key that cannot be computed", async () => {
    const stage = new Stage();
    const thrown = make();
    stage.deliver("1");
    const run = stage.pipeline
      .workers(
        2,
        by(() => {
          throw thrown;
        }),
      )
      .handle(() => undefined);
    const error = await run.done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ cause: thrown });
  });

  it("thrown where nobody listens is warned of", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const subscriber = new ScriptedSubscriber({ topic: "orders" });
    const stage = new Stage();
    subscriber.deliver(stage.message("1")).end();
    const run = pipeline(subscriber, { clock: stage.clock })
      .onFailure({ maxAttempts: 1, deadLetter: "drop" })
      .handle(() => {
        throw make();
      });
    expect(await run.done).toMatchObject({ dropped: 1 });
    const text = expect.stringMatching(/^Attempt 1 of a delivery of "orders" failed: .*\. Next: drop\. /s);
    expect(warned.mock.calls).toEqual([[text, "TidelaneWarning", undefined]]);
    warned.mockRestore();
  });
});
