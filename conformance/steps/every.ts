import type { Topics } from "../stage/stage.ts";
import type { Subject } from "../subject.ts";
import { abort, publishAbortable, publishAborted } from "./aborting.ts";
import { askTopic, publishClosed, publishFresh, request } from "./ending.ts";
import { advance, closeConnection, closeConnectionAgain, connect, kill, restart } from "./faults.ts";
import { publish } from "./publishing.ts";
import {
  breakLoop,
  close,
  closeAgain,
  leaveBatches,
  pause,
  pull,
  pullClosed,
  pullReturned,
  resume,
  secondLoop,
  take,
  takeClosed,
  takeInvalid,
} from "./receiving.ts";
import { ack, delay, drop, prolong, requeue, settleAgain, settleRevoked } from "./settling.ts";
import type { Weighted } from "./step.ts";

/** Every step there is, for what this broker offers and a history with these topics has. */
export function everyStep(
  { capabilities, fixture, publisher }: Subject,
  topics: Topics,
): readonly Weighted[] {
  const asks = "A" in topics;
  const virtual = fixture.time === "virtual";
  const requeues = capabilities.requeue;
  const claimed = (weight: number, claim: boolean): number => (claim ? weight : 0);
  return [
    [6, publish()],
    [6, pull],
    [2, take],
    [1, takeClosed],
    [1, takeInvalid],
    [3, ack],
    [2, drop],
    [claimed(3, requeues), requeue],
    [claimed(3, requeues), delay],
    [2, prolong],
    [1, settleAgain],
    [1, settleRevoked],
    [1, breakLoop],
    [1, secondLoop],
    [1, pullReturned],
    [claimed(1, capabilities.batches), leaveBatches],
    [claimed(1, capabilities.pause), pause],
    [claimed(2, capabilities.pause), resume],
    [2, close],
    [1, closeAgain],
    [1, pullClosed],
    [claimed(1, fixture.kill !== undefined), kill],
    [claimed(1, fixture.restart !== undefined && virtual), restart],
    [1, closeConnection],
    [1, closeConnectionAgain],
    [3, connect],
    [claimed(1, asks), publishClosed],
    [claimed(1, asks), publishFresh],
    [claimed(1, asks), askTopic],
    [claimed(1, asks && publisher.requestReply && virtual), request],
    [claimed(1, asks), publishAbortable],
    [claimed(1, asks), publishAborted],
    [claimed(2, asks), abort],
    ...whereTimeIsFree(virtual),
  ];
}

/** On real time a second costs a second. */
function whereTimeIsFree(virtual: boolean): readonly Weighted[] {
  if (!virtual) return [[1, advance(60)]];
  return [
    [3, advance(60, 300, 999, 1_000)],
    [1, advance(3_600_000)],
  ];
}
