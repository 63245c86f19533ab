export type { DeadLetter, PublishedMessage, RetriedDelivery, SettledDelivery } from "./app-events.ts";
export type { FaultOptions } from "./fault-options.ts";
export { faulty } from "./faulty.ts";
export type { FaultyMessage } from "./faulty-message.ts";
export type { FaultRecord, FaultySubscriber } from "./faulty-subscriber.ts";
export {
  type RecordedSettlement,
  RecordingMessage,
  type RecordingMessageInit,
  type Settlement,
} from "./recording-message.ts";
export { ScriptedSubscriber, type ScriptedSubscriberOptions } from "./scripted-subscriber.ts";
export { type TestApp, type TestAppOptions, testApp } from "./test-app.ts";
export { VirtualClock } from "./virtual-clock.ts";
