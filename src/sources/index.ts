export { type BufferedOptions, type BufferedSubscriber, buffered } from "./buffered.ts";
export {
  type FromIterableOptions,
  fromIterable,
  type IterableSource,
} from "./from-iterable.ts";
export type { IterableItem, IterableMessage, IterableSettlement } from "./iterable-message.ts";
export type { IterableCounts, IterableSubscriber } from "./iterable-subscriber.ts";
export { merged } from "./merged.ts";
export { type NamedSubscriber, named } from "./named.ts";
export type { ConnectionOf, MessageOf } from "./types.ts";
