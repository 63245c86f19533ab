import { beforeEach, describe, expect, it, vi } from "vitest";
import { events, open, setUp } from "../support.ts";

const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
beforeEach(() => void warnings.mockClear());
const said = (): unknown[] => warnings.mock.calls.map(([warning]) => warning);

describe("a queue whose dead letters have nowhere to go", () => {
  const create = { deadLetter: { topic: "dead" } };

  it("says so when it is subscribed to, and what becomes of them", async () => {
    const { clock, connection } = await setUp();
    await open(connection, "orders", { create });
    await clock.advance(5_000);
    await open(connection, "mails", { type: "classic", create });
    await clock.advance(5_000);
    await open(connection, "bills", { create: { deadLetter: { topic: "a", exchange: "nope" } } });
    await clock.advance(5_000);
    expect(said()).toEqual([
      'The queue "dead", where the queue "orders" sends its dead letters, does not exist; until you create it they stay in "orders", undelivered.',
      'The queue "dead", where the queue "mails" sends its dead letters, does not exist; until you create it they are lost.',
      'The exchange "nope", where the queue "bills" sends its dead letters, does not exist; until you create it they stay in "bills", undelivered.',
    ]);
    expect(clock.timers).toBe(0);
  });

  it("tells a listener, and warns of nothing", async () => {
    const seen = events("tidelane:error");
    const { clock, connection } = await setUp();
    await open(connection, "orders", { create });
    await clock.advance(5_000);
    expect(seen).toMatchObject([
      { topic: "orders", error: { code: "TIDELANE_PUBLISH_FAILED", topic: "dead" } },
    ]);
    expect(said()).toEqual([]);
  });

  it("is none that the application creates a moment later, and none that is closed meanwhile", async () => {
    const { clock, connection } = await setUp();
    await open(connection, "orders", { create });
    await open(connection, "dead");
    const bills = await open(connection, "bills", { create: { deadLetter: { topic: "nowhere" } } });
    await clock.advance(4_999);
    await bills.close();
    expect(clock.timers).toBe(1);
    await clock.advance(5_000);
    expect(said()).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it("is no other", async () => {
    const { clock, connection, rabbit } = await setUp();
    await open(connection, "dead");
    await open(connection, "orders", { create });
    await open(connection, "mails");
    await clock.flush();
    rabbit.connection.cut();
    await connection.close();
    expect(said().filter((text) => String(text).includes("dead letters"))).toEqual([]);
  });
});
