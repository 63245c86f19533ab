import { expect, it } from "vitest";
import { Bus } from "../../../src/brokers/memory/bus.ts";
import { Lifetime } from "../../../src/brokers/memory/lifetime.ts";
import { MemoryPublisher } from "../../../src/brokers/memory/publisher.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

/** A bus that shows which inboxes are open. */
class OpenBus extends Bus {
  readonly inboxes = new Set<string>();

  override openInbox(...given: Parameters<Bus["openInbox"]>): string {
    const name = super.openInbox(...given);
    this.inboxes.add(name);
    return name;
  }

  override closeInbox(name: string): void {
    super.closeInbox(name);
    this.inboxes.delete(name);
  }
}

it("an inbox is closed with its request: answered, timed out, refused or cut off", async () => {
  const clock = new VirtualClock();
  const bus = new OpenBus(clock, () => undefined);
  const lifetime = new Lifetime("memory");
  const publisher = new MemoryPublisher(bus, lifetime, 100);
  const request = (topic: string) => publisher.request({ topic, payload: "?" }, { timeoutMs: 10 });
  const answered = request("service");
  const [inbox = ""] = bus.inboxes;
  await publisher.publish({ topic: inbox, payload: "!" });
  expect((await answered).text()).toBe("!");
  const others = Promise.allSettled([request("service"), request("no.*")]);
  await clock.advance(10);
  const cutOff = Promise.allSettled([request("service")]);
  expect(bus.inboxes.size).toBe(1);
  lifetime.end({ reason: "over", killed: false });
  const codes = [...(await others), ...(await cutOff)].map((outcome) =>
    outcome.status === "rejected" ? (outcome.reason as { code: string }).code : "answered",
  );
  expect(codes).toEqual(["TIDELANE_TIMEOUT", "TIDELANE_INVALID_MESSAGE", "TIDELANE_CONNECTION_CLOSED"]);
  expect(bus.inboxes.size).toBe(0);
});
