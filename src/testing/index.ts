export {
  type RecordedSettlement,
  RecordingMessage,
  type RecordingMessageInit,
  type Settlement,
} from "./recording-message.ts";
export { ScriptedSubscriber, type ScriptedSubscriberOptions } from "./scripted-subscriber.ts";
export { VirtualClock } from "./virtual-clock.ts";
