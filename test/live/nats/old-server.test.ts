import { conformance } from "tidelane/conformance";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { describeLive } from "../describe-live.ts";
import { jetStreamFixture } from "./fixture.ts";

/**
 * Where a server before 2.10 can be had: what differs there is a declared gap, and the other laws hold. One seed: which
 * histories meet the faults of such a server depends on it, and no release of ours changes that server.
 */
await describeLive(
  "nats",
  "streams on a server before 2.10",
  (server) => {
    // Each broker says that its server is old, and there are many.
    beforeAll(() => {
      vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    });
    afterAll(() => {
      vi.restoreAllMocks();
    });

    it("is old, or there is no old one any more", () => {
      expect(server.how).toMatch(/^nats-server \d+\.\d+/);
    });
    conformance({
      test: (name, body) => it(name, { timeout: 120_000 }, () => body()),
      fixture: jetStreamFixture({ address: server.address, old: true }),
      options: { runs: 1, seed: 7000 },
    });
  },
  { own: true, old: true },
);
