import type { Group } from "../model/records.ts";
import type { ConnectionActor, Ending } from "./connection-actor.ts";
import { settle } from "./settle.ts";
import type { Stage } from "./stage.ts";
import type { GroupSpec, SubscriberActor } from "./subscriber-actor.ts";

/** More pulls than any history can need; only a broker that never stops delivering comes here. */
const enough = 2_000;

/**
 * The end of every history. What is still owed has to come, and nothing else may come before a sentinel that is
 * published last: absence is proved by what comes after it, not by waiting.
 */
export async function conclude(stage: Stage): Promise<void> {
  stage.trace.finish();
  await stage.rest();
  await stage.awaitOpens();
  await stage.awaitSeeks();
  const batches = stage.subscribers.flatMap(({ batching }) => batching ?? []);
  await stage.pace.within(Promise.all(batches), stage.subject.timings.closeMs);
  stage.check();
  // A batch would keep what is owed for its time.
  for (const subscriber of openOnes(stage))
    if (subscriber.inBatches) await stage.step(() => subscriber.breakLoop());
  const connection = stage.connections.find(({ state }) => state === "open") ?? (await stage.connect());
  for (const subscriber of openOnes(stage)) subscriber.resume();
  for (const transaction of stage.transactions) {
    if (transaction.state === "open") await stage.step(() => transaction.abandon());
  }
  // Subscriptions without a group are drained where they stand, for their closing would end what they are owed.
  for (const subscriber of openOnes(stage))
    if (!subscriber.seat.group.durable) await settleAll(stage, subscriber);
  for (const subscriber of openOnes(stage)) if (subscriber.seat.group.durable) await end(stage, subscriber);
  await sendSentinels(stage, connection);
  const drained = new Set<Group>();
  for (const { seat } of openOnes(stage)) {
    const { group } = seat;
    if (drained.has(group)) continue;
    drained.add(group);
    // Without acks, a message that one member of a group got is never delivered to another.
    const members = openOnes(stage).filter((other) => other.seat.group === group);
    await drain(stage, group, members);
  }
  for (const group of stage.ledger.groups) {
    if (!group.durable || drained.has(group)) continue;
    const subscriber = await connection.open(specOf(stage, group));
    if (subscriber !== undefined) await drain(stage, group, [subscriber]);
  }
  for (const subscriber of openOnes(stage)) await end(stage, subscriber);
  await leave(stage);
}

/** The end of a history and of a scenario alike: every connection is ended, and nothing is left. */
export async function leave(stage: Stage): Promise<void> {
  stage.trace.finish();
  await stage.awaitOpens();
  for (const [index, connection] of stage.connections.entries()) {
    const way = endings[index % endings.length];
    if (connection.state === "open") await stage.step(() => connection.close(way));
  }
  await stage.rest();
  await stage.awaitCalls();
  await checkFailures(stage);
  checkQuiet(stage);
  stage.check();
}

/** Each in its turn. */
const endings: readonly Ending[] = ["dispose", "close"];

/** A subscription that died says so once, whoever waited, and whoever asks afterwards. */
async function checkFailures(stage: Stage): Promise<void> {
  // In real time, a fixture may kill a connection and then close it. Then no subscription fails.
  if (!stage.pace.virtual) return;
  for (const subscriber of stage.subscribers) {
    const { endedBy, openedAtEnd, left } = subscriber;
    if (endedBy !== "crash" || openedAtEnd || left) continue;
    // The first may be told of the failure, and the second is not.
    for (let asked = 0; asked < 2; asked += 1) await stage.step(() => subscriber.pull());
    if (subscriber.failures > 0) continue;
    const observed = `${subscriber.name} died with its connection, and no next() of it rejected`;
    stage.violate(
      ["quiet-after-close", "crash-returns-unsettled"],
      observed,
      "one next() rejects, and says why",
    );
  }
}

/** Does not wait for the close. If it never ends, it is reported with the other calls that were not answered. */
async function end(stage: Stage, subscriber: SubscriberActor): Promise<void> {
  const way = stage.subscribers.indexOf(subscriber) % 2 === 0 ? "dispose" : "close";
  await stage.step(() => subscriber.close(way));
}

function openOnes(stage: Stage): SubscriberActor[] {
  return stage.subscribers.filter(({ seat }) => seat.state === "open");
}

/** What the history opened the group by. */
function specOf(stage: Stage, group: Group): GroupSpec {
  const spec = stage.specs.get(group);
  if (spec === undefined) throw new Error(`nobody has opened ${group.label}`);
  return spec;
}

/** Room for what is to come. */
async function settleAll(stage: Stage, subscriber: SubscriberActor): Promise<void> {
  for (const delivery of stage.held()) {
    if (delivery.seat === subscriber.seat) await stage.step(() => settle(stage, delivery, "ack"));
  }
}

async function sendSentinels(stage: Stage, connection: ConnectionActor): Promise<void> {
  for (const label of Object.keys(stage.topics)) {
    await stage.step(() => connection.publish({ topic: label }));
  }
}

/** Pulls by every member of a group, and acks, until everything that is owed has come. */
async function drain(stage: Stage, group: Group, members: readonly SubscriberActor[]): Promise<void> {
  const { ledger, pace } = stage;
  for (let pulls = 0; pulls < enough && ledger.owed(group).length > 0; pulls += 1) {
    const due = Math.min(
      ...ledger.owed(group).map(({ state }) => (state.kind === "owed" ? state.notBefore : 0)),
    );
    if (due > pace.clock.now()) await pace.advance(due - pace.clock.now());
    for (const member of members) {
      if (member.waiting === 0) await stage.step(() => member.pull());
      else await stage.rest();
      await settleAll(stage, member);
    }
    if (members.every(({ waiting }) => waiting > 0)) await giveTime(stage, group, members);
  }
  for (const member of members) {
    // One pull more than there is anything for. On real time that would be waiting, and the sentinel has come already.
    if (pace.virtual && member.waiting === 0) await stage.step(() => member.pull());
    await settleAll(stage, member);
  }
}

/** Nothing came at once, and something is owed. */
async function giveTime(stage: Stage, group: Group, members: readonly SubscriberActor[]): Promise<void> {
  const { ledger, pace } = stage;
  const answer = Promise.race(members.map((member) => member.firstAnswer()));
  if (!pace.virtual && (await pace.within(answer, stage.subject.timings.arrivalMs))) return;
  for (const copy of ledger.owed(group, true))
    ledger.missing(copy, "although everything was settled and pulled");
  stage.check();
}

/** After the end nothing is left running, where that can be seen. */
function checkQuiet(stage: Stage): void {
  const timers = stage.pace.timers();
  if (timers === undefined || timers === 0) return;
  const observed = `${timers} timers are armed after every connection was closed`;
  const laws = ["quiet-after-close", "close-idempotent", ...stage.uses] as const;
  stage.violate(laws, observed, "close() releases all resources");
}
