import { checkCount } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { type OptionNames, optionNames } from "../../../traits/option-names.ts";
import { checkMilliseconds, checkShortName } from "./field-checks.ts";
import { isReservedHeader } from "./reserved-headers.ts";

/** Options of `connection.publisher(options)`, and the defaults in `publish` of the broker. */
export interface AmqpPublisherOptions {
  /**
   * The exchange to publish to, with the topic as routing key. @default "", the exchange that leads to the queue of
   * that name
   */
  readonly exchange?: string;
  /**
   * `true`: if no queue takes a message, `publish` rejects with `PublishFailedError`. `false`: such a message is
   * gone silently. @default true
   */
  readonly mandatory?: boolean;
  /**
   * Whether a classic queue keeps the message over a restart of the server. A quorum queue always does. @default
   * true
   */
  readonly persistent?: boolean;
  /** 0 to 255, higher first, in queues that have priorities. @default none */
  readonly priority?: number;
  /**
   * How long, in milliseconds, a message may wait in a queue. Then the server drops or dead-letters it. @default
   * never
   */
  readonly expirationMs?: number;
  /**
   * The header that carries the key. RustStream's crate for RabbitMQ reads "amqp-partition-key". @default
   * "partition-key"
   */
  readonly keyHeader?: string;
}

/** Of one message. */
export const messageOptionNames = {
  mandatory: true,
  persistent: true,
  priority: true,
  expirationMs: true,
} as const;

export const publisherOptionNames: OptionNames = optionNames<AmqpPublisherOptions>()({
  ...messageOptionNames,
  exchange: true,
  keyHeader: true,
});

export type PublisherSettings = Required<
  Pick<AmqpPublisherOptions, "exchange" | "mandatory" | "persistent" | "keyHeader">
> &
  AmqpPublisherOptions;

/** `options` over `defaults`. Throws `InvalidArgumentError`. */
export function checkPublisherOptions(
  argument: string,
  options: AmqpPublisherOptions,
  defaults: PublisherSettings,
): PublisherSettings {
  const { exchange, priority, expirationMs, keyHeader } = options;
  if (exchange !== undefined && exchange !== "") checkShortName(`${argument}.exchange`, exchange);
  if (priority !== undefined && checkCount(`${argument}.priority`, priority, 0) > 255) {
    throw new InvalidArgumentError({
      argument: `${argument}.priority`,
      expected: "a whole number from 0 to 255",
      received: priority,
    });
  }
  if (expirationMs !== undefined) checkMilliseconds(`${argument}.expirationMs`, expirationMs);
  if (keyHeader !== undefined) checkKeyHeader(`${argument}.keyHeader`, keyHeader);
  return { ...defaults, ...options };
}

function checkKeyHeader(argument: string, keyHeader: string): void {
  checkShortName(argument, keyHeader);
  if (!/[\p{Cc}:]|^\s|\s$/u.test(keyHeader) && !isReservedHeader(keyHeader)) return;
  const expected = "the name of a header that has no other meaning, without a colon or space around it";
  throw new InvalidArgumentError({ argument, expected, received: keyHeader });
}
