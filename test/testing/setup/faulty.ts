import {
  type FaultOptions,
  type FaultySubscriber,
  faulty,
  RecordingMessage,
  ScriptedSubscriber,
  VirtualClock,
} from "../../../src/testing/index.ts";

export const always = { rate: 1 };

export function messages(count: number): RecordingMessage[] {
  return Array.from({ length: count }, (_, index) => new RecordingMessage({ payload: String(index) }));
}

/** A faulty subscriber over `count` messages that are here already. */
export function open(
  count: number,
  options: Omit<FaultOptions, "seed">,
): {
  clock: VirtualClock;
  inner: ScriptedSubscriber;
  subscriber: FaultySubscriber<RecordingMessage>;
  originals: RecordingMessage[];
} {
  const clock = new VirtualClock();
  const originals = messages(count);
  const inner = new ScriptedSubscriber({ clock }).deliver(...originals);
  return { clock, inner, originals, subscriber: faulty(inner, { seed: 1, clock, ...options }) };
}

export async function take<T>(iterator: AsyncIterator<T, undefined>): Promise<T> {
  const { value } = await iterator.next();
  if (value === undefined) throw new Error("iteration is over");
  return value;
}
