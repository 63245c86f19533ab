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
export { VirtualClock } from "./virtual-clock.ts";
