import { expect, it } from "vitest";
import { Lifetime } from "../../../../src/brokers/memory/connection/lifetime.ts";
import { MemoryPublisher } from "../../../../src/brokers/memory/publisher/publisher.ts";
import { MemoryServer } from "../../../../src/brokers/memory/server/server.ts";
import { VirtualClock } from "../../../../src/testing/virtual-clock.ts";

/** A server that shows which inboxes are open. */
class OpenServer extends MemoryServer {
  readonly inboxes = new Set<string>();

  override openInbox(...given: Parameters<MemoryServer["openInbox"]>): string {
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
  const server = new OpenServer(clock, () => undefined);
  const lifetime = new Lifetime("memory");
  const publisher = new MemoryPublisher(server, lifetime, 100);
  const request = (topic: string) => publisher.request({ topic, payload: "?" }, { timeoutMs: 10 });
  const answered = request("service");
  const [inbox = ""] = server.inboxes;
  await publisher.publish({ topic: inbox, payload: "!" });
  expect((await answered).text()).toBe("!");
  const others = Promise.allSettled([request("service"), request("no.*")]);
  await clock.advance(10);
  const cutOff = Promise.allSettled([request("service")]);
  expect(server.inboxes.size).toBe(1);
  lifetime.end({ reason: "over", killed: false });
  const codes = [...(await others), ...(await cutOff)].map((outcome) =>
    outcome.status === "rejected" ? (outcome.reason as { code: string }).code : "answered",
  );
  expect(codes).toEqual(["TIDELANE_TIMEOUT", "TIDELANE_INVALID_MESSAGE", "TIDELANE_CONNECTION_CLOSED"]);
  expect(server.inboxes.size).toBe(0);
});
