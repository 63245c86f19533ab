import { checkFunction } from "../traits/arguments.ts";
import { KeyError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { show } from "../traits/show.ts";
import { isThenable } from "./thenable.ts";
import { messageOf } from "./thrown.ts";

/** How a delivery finds its lane. `Value` is what the pipeline decodes to. */
export interface KeySelector<Value> {
  /** Whether `select` reads the decoded value. Then the payload is decoded before the delivery enters its lane. */
  readonly readsValue: boolean;
  readonly select: (value: Value, message: Message) => string | undefined;
}

/**
 * The key that the message was published with: `message.partitionKey`. A message without a key goes to any free
 * worker, in no order. If none of the first 100 deliveries of a run has a key, the run says so once.
 */
export const byKey: KeySelector<unknown> = {
  readsValue: false,
  select: (_value, message) => message.partitionKey,
};

/**
 * A key computed from the decoded value, or from the message if the pipeline does not decode. `select` is
 * synchronous. It returns a string, or `undefined` for no key; then the delivery goes to any free worker, in no
 * order. If `select` throws or returns anything else, such as `null` or a number, the delivery goes to the dead
 * letters of the failure policy. Without such a place, the run ends with `KeyError`. If none of the first 100
 * deliveries of a run has a key, the run says so once.
 */
export function by<Value>(
  select: (value: Value, message: Message) => string | undefined,
): KeySelector<Value> {
  checkFunction("by(select)", select);
  return { readsValue: true, select };
}

/** Calls `select` and checks what it gave. Throws `KeyError`. */
export function keyOf<Value>(
  selector: KeySelector<Value>,
  value: Value,
  message: Message,
): string | undefined {
  let key: unknown;
  try {
    key = selector.select(value, message);
  } catch (cause) {
    throw new KeyError({
      topic: message.topic,
      reason: `the key function threw: ${messageOf(cause)}`,
      cause,
    });
  }
  if (key === undefined || typeof key === "string") return key;
  const got = isThenable(key)
    ? "a promise; a key is computed synchronously"
    : `${show(key)}; a key is a string, or undefined for none`;
  if (isThenable(key)) key.then(undefined, () => undefined);
  throw new KeyError({ topic: message.topic, reason: `the key function returned ${got}` });
}
