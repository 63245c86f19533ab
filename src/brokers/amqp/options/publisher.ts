import { checkCount } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { type OptionNames, optionNames } from "../../../traits/option-names.ts";
import { aBoolean, aText, checkShapes } from "../../shared/option-shapes.ts";
import { checkMilliseconds, checkShortName } from "./field-checks.ts";
import { isReservedHeader } from "./reserved-headers.ts";

export interface AmqpPublisherOptions {
  /** Where it publishes, with the topic as routing key. @default "", the exchange that leads to the queue of that name */
  readonly exchange?: string;
  /** A message no queue takes rejects with `PublishFailedError`; without, it is gone and nobody is told. @default true */
  readonly mandatory?: boolean;
  /** Kept over a restart of the server, by classic queues; quorum queues keep all. @default true */
  readonly persistent?: boolean;
  /** 0 to 255, higher first, in queues that go by it. @default none */
  readonly priority?: number;
  /** Dropped, or dead-lettered, when it waited in a queue for this long. @default never */
  readonly expirationMs?: number;
  /** The header the key of a message is written to. RustStream's crate for RabbitMQ reads "amqp-partition-key". @default "partition-key" */
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
  checkShapes(argument, options, { exchange: aText, mandatory: aBoolean, persistent: aBoolean });
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
