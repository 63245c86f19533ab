import { expect, it } from "vitest";
import { KeepAlive } from "../../src/runtime/keep-alive.ts";
import { RecordingMessage, VirtualClock } from "../../src/testing/index.ts";

class Stubborn extends RecordingMessage {
  readonly #error: unknown;

  constructor(error: unknown) {
    super();
    this.#error = error;
  }

  protected override sendKeepAlive(): void {
    throw this.#error;
  }
}

function held(...messages: RecordingMessage[]) {
  const deadline = { ms: 300 };
  const clock = new VirtualClock();
  const failed: unknown[] = [];
  const deliveries = messages.map((message) => ({ message, phase: "running" }));
  const fail = (error: unknown, delivery: { message: RecordingMessage }): void =>
    void failed.push([error, delivery.message]);
  const keepAlive = new KeepAlive(deliveries, clock, () => deadline.ms, fail);
  return { clock, deadline, failed, deliveries, keepAlive };
}

it("does nothing until it is armed", async () => {
  const message = new RecordingMessage();
  const { clock } = held(message);
  await clock.advance(1_000);
  expect(message.keepAlives).toBe(0);
});

it("extends everything held three times a deadline, with one timer", async () => {
  const [one, two] = [new RecordingMessage(), new RecordingMessage()];
  const { clock, keepAlive } = held(one, two);
  keepAlive.arm();
  keepAlive.arm();
  expect(clock.timers).toBe(1);
  await clock.advance(99);
  expect(one.keepAlives).toBe(0);
  await clock.advance(201);
  expect([one.keepAlives, two.keepAlives]).toEqual([3, 3]);
});

it("leaves out what is settled, revoked or given up, and rests when nothing else is held", async () => {
  const [settled, revoked, left] = [0, 1, 2].map(() => new RecordingMessage());
  const { clock, deliveries, keepAlive } = held();
  for (const message of [settled, revoked]) if (message) deliveries.push({ message, phase: "running" });
  if (left) deliveries.push({ message: left, phase: "abandoned" });
  await settled?.ack();
  revoked?.revoke();
  keepAlive.arm();
  await clock.advance(100);
  expect([settled?.keepAlives, revoked?.keepAlives, left?.keepAlives]).toEqual([0, 0, 0]);
  expect(clock.timers).toBe(0);
});

it("can be armed again, and stopped", async () => {
  const message = new RecordingMessage();
  const { clock, keepAlive } = held(message);
  keepAlive.arm();
  keepAlive.stop();
  expect(clock.timers).toBe(0);
  keepAlive.arm();
  await clock.advance(100);
  expect(message.keepAlives).toBe(1);
});

it("reports a failure and goes on with the others and the next beat", async () => {
  const broken = new Error("no connection");
  const [first, second] = [new Stubborn(broken), new RecordingMessage()];
  const { clock, failed, keepAlive } = held(first, second);
  keepAlive.arm();
  await clock.advance(200);
  expect(failed).toEqual([
    [broken, first],
    [broken, first],
  ]);
  expect(second.keepAlives).toBe(2);
});

it("keeps silent about a message that is revoked as it is extended: its settle tells", async () => {
  class RevokedMeanwhile extends RecordingMessage {
    protected override sendKeepAlive(): void {
      this.revoke();
      throw new Error("gone");
    }
  }
  const message = new RevokedMeanwhile();
  const { clock, failed, keepAlive } = held(message);
  keepAlive.arm();
  await clock.advance(100);
  expect([message.revoked !== undefined, failed]).toEqual([true, []]);
});

it("goes by a deadline that became shorter from the next beat on", async () => {
  const message = new RecordingMessage();
  const { clock, deadline, keepAlive } = held(message);
  keepAlive.arm();
  deadline.ms = 30;
  await clock.advance(100);
  expect(message.keepAlives).toBe(1);
  await clock.advance(20);
  expect(message.keepAlives).toBe(3);
});

it("goes by a deadline that became shorter at once when it is armed again, and never later than before", async () => {
  const message = new RecordingMessage();
  const { clock, deadline, keepAlive } = held(message);
  deadline.ms = 3_000;
  keepAlive.arm();
  await clock.advance(100);
  deadline.ms = 300;
  keepAlive.arm();
  expect(clock.timers).toBe(1);
  await clock.advance(100);
  expect(message.keepAlives).toBe(1);
  await clock.advance(90);
  deadline.ms = 299;
  keepAlive.arm();
  await clock.advance(10);
  expect(message.keepAlives).toBe(2);
});

it("notices within a second that the deadline became shorter, though nobody arms it", async () => {
  const message = new RecordingMessage();
  const { clock, deadline, keepAlive } = held(message);
  deadline.ms = 30_000;
  keepAlive.arm();
  await clock.advance(100);
  deadline.ms = 1_500;
  await clock.advance(1_400);
  expect(message.keepAlives).toBe(1);
  await clock.advance(1_000);
  expect([message.keepAlives, clock.timers]).toEqual([3, 1]);
});
