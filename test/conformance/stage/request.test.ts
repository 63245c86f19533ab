import { ConnectionClosedError, PublishFailedError } from "tidelane";
import { describe, expect, it } from "vitest";
import { mayEndBy } from "../../../conformance/stage/request.ts";

const lost = { heard: true, crashed: true } as const;
const undisturbed = { heard: true, crashed: false } as const;

function publishFailed(retryable: boolean): PublishFailedError {
  return new PublishFailedError({ topic: "A", reason: "the connection was lost", retryable });
}

describe("a request that nobody answers", () => {
  it("may fail as a publish does when its connection is lost and comes back", () => {
    expect(mayEndBy({ ...lost, failure: publishFailed(true) }, "open")).toBe(true);
    expect(mayEndBy({ ...lost, failure: publishFailed(true) }, "closing")).toBe(true);
  });

  it("may not when nothing was lost, when it says that a second attempt is vain, or when the connection is over", () => {
    expect(mayEndBy({ ...undisturbed, failure: publishFailed(true) }, "open")).toBe(false);
    expect(mayEndBy({ ...lost, failure: publishFailed(false) }, "open")).toBe(false);
    expect(mayEndBy({ ...lost, failure: publishFailed(true) }, "closed")).toBe(false);
  });

  it("says that its connection is closed only where it is", () => {
    const failure = new ConnectionClosedError({ broker: "b", during: "request()" });
    expect(mayEndBy({ ...lost, failure }, "open")).toBe(false);
    expect(mayEndBy({ ...undisturbed, failure }, "closed")).toBe(true);
  });
});
