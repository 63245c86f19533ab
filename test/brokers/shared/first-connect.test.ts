import { describe, expect, it } from "vitest";
import { checkConnect, connectInTime } from "../../../src/brokers/shared/first-connect.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { AbortedError, ConnectFailedError, InvalidArgumentError } from "../../../src/traits/errors.ts";

const unreachable = new ConnectFailedError({ broker: "shop", reason: "nobody is there", retryable: true });
const refused = new ConnectFailedError({ broker: "shop", reason: "wrong password", retryable: false });

describe("connectInTime", () => {
  it("tries once by default", async () => {
    let attempts = 0;
    const connecting = connectInTime(checkConnect(), {}, new VirtualClock(), undefined, async () => {
      attempts += 1;
      throw unreachable;
    });
    await expect(connecting).rejects.toBe(unreachable);
    expect(attempts).toBe(1);
  });

  it("keeps trying until the server is there", async () => {
    const clock = new VirtualClock();
    const connecting = connectInTime({ waitMs: 60_000 }, {}, clock, undefined, async () => {
      if (clock.now() < 20_000) throw unreachable;
      return "connected";
    });
    await clock.advance(31_000);
    await expect(connecting).resolves.toBe("connected");
  });

  it("gives up when the time is over, with the last error", async () => {
    const clock = new VirtualClock();
    const connecting = connectInTime({ waitMs: 5_000 }, {}, clock, undefined, async () => {
      throw unreachable;
    });
    const outcome = expect(connecting).rejects.toBe(unreachable);
    await clock.advance(5_000);
    await outcome;
    expect(clock.now()).toBe(5_000);
  });

  it("does not try a refusal again", async () => {
    const connecting = connectInTime({ waitMs: 5_000 }, {}, new VirtualClock(), undefined, async () => {
      throw refused;
    });
    await expect(connecting).rejects.toBe(refused);
  });

  it("ends the wait when its signal fires", async () => {
    const stop = new AbortController();
    const connecting = connectInTime(
      { waitMs: Number.POSITIVE_INFINITY },
      {},
      new VirtualClock(),
      stop.signal,
      async () => {
        throw unreachable;
      },
    );
    const outcome = expect(connecting).rejects.toBeInstanceOf(AbortedError);
    stop.abort();
    await outcome;
  });

  it("refuses a wait that is no duration", () => {
    expect(() => checkConnect({ waitMs: -1 })).toThrow(InvalidArgumentError);
    expect(checkConnect({ waitMs: Number.POSITIVE_INFINITY })).toEqual({ waitMs: Number.POSITIVE_INFINITY });
  });
});
