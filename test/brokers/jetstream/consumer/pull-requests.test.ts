import { VirtualClock } from "tidelane/testing";
import { expect, it } from "vitest";
import { PullRequests } from "../../../../src/brokers/jetstream/consumer/pull-requests.ts";
import type { ClientMessage, ServerConnection } from "../../../../src/brokers/nats/client.ts";

/** A connection whose subscriptions go on giving what was on its way when they were drained or ended. */
function setUp() {
  const inboxes: ((message: ClientMessage) => void)[] = [];
  const server = {
    up: true,
    publish: () => {},
    subscribe: (_subject: string, _queue: undefined, take: (message: ClientMessage) => void) => {
      inboxes.push(take);
      return { unsubscribe: () => {}, drain: async () => {} };
    },
  };
  const taken: string[] = [];
  const none = (): void => {};
  const requests = new PullRequests(
    {
      server: server as unknown as ServerConnection,
      clock: new VirtualClock(),
      inboxPrefix: "_INBOX",
      heartbeatMs: 5_000,
    },
    {
      deliver: ({ subject }) => void taken.push(subject),
      ended: none,
      idle: none,
      deleted: none,
      needsRecovery: none,
      failed: none,
    },
  );
  const arrive = (inbox: number, subject: string): void =>
    inboxes[inbox]?.({ subject, data: new Uint8Array(), reply: "$JS.ACK.S.g.1.1.1.1.0" });
  return { requests, arrive, taken };
}

it("takes what comes to an inbox that drains, until what was requested is discarded", async () => {
  const { requests, arrive, taken } = setUp();
  requests.open();
  await requests.drain();
  requests.open();
  arrive(0, "on its way");
  requests.discard();
  arrive(0, "of the consumer that was deleted");
  arrive(1, "of the consumer that was deleted");
  requests.open();
  arrive(2, "of the new consumer");
  expect(taken).toEqual(["on its way", "of the new consumer"]);
});
