import { InvalidArgumentError } from "../../../traits/errors.ts";
import { defaultMaxInFlight, type SubscribeOptions } from "../options/options.ts";

/** What was decided when a group was first subscribed to. */
export interface GroupSettings {
  readonly maxInFlight: number;
  readonly ackDeadlineMs: number | undefined;
  readonly deadLetter: { readonly topic: string; readonly maxDeliveries: number } | undefined;
}

export function settingsOf(options: SubscribeOptions): GroupSettings {
  const { maxInFlight = defaultMaxInFlight, ackDeadlineMs, deadLetter } = options;
  const settings = deadLetter && { maxDeliveries: Number.POSITIVE_INFINITY, ...deadLetter };
  return { maxInFlight, ackDeadlineMs, deadLetter: settings };
}

/** As the options that would make them. */
export function describeSettings(settings: GroupSettings): SubscribeOptions {
  const { maxInFlight, ackDeadlineMs, deadLetter } = settings;
  return {
    maxInFlight,
    ...(ackDeadlineMs === undefined ? {} : { ackDeadlineMs }),
    ...(deadLetter === undefined ? {} : { deadLetter: { topic: deadLetter.topic } }),
  };
}

/** An option left out is whatever the group has; one that is given has to be the group's. */
export function checkSameSettings(has: GroupSettings, wanted: SubscribeOptions, group: string): void {
  const { deadLetter } = wanted;
  check("maxInFlight", has.maxInFlight, wanted.maxInFlight, group);
  check("ackDeadlineMs", has.ackDeadlineMs, wanted.ackDeadlineMs, group);
  check("deadLetter.topic", has.deadLetter?.topic, deadLetter?.topic, group);
  check("deadLetter.maxDeliveries", has.deadLetter?.maxDeliveries, deadLetter?.maxDeliveries, group);
}

function check(option: string, has: unknown, wanted: unknown, group: string): void {
  if (wanted === undefined || wanted === has) return;
  const expected =
    has === undefined ? `left out, as ${group} was made without it` : `${has}, as ${group} has it`;
  throw new InvalidArgumentError({ argument: `options.${option}`, expected, received: wanted });
}
