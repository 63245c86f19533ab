import { checkCount, checkName } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { checkOptionNames, type OptionNames } from "../../../traits/option-names.ts";

/** A name of the protocol: not empty, at most 255 bytes. */
export function checkShortName(argument: string, value: unknown): string {
  const name = checkName(argument, value);
  if (Buffer.byteLength(name) <= 255) return name;
  throw new InvalidArgumentError({ argument, expected: "a name of at most 255 bytes", received: name });
}

/** A duration the server takes: a whole number of milliseconds that fits 32 bits. */
export function checkMilliseconds(argument: string, value: unknown, minimum = 0): number {
  const milliseconds = checkCount(argument, value, minimum);
  if (milliseconds < 2 ** 32) return milliseconds;
  throw new InvalidArgumentError({ argument, expected: "less than 2 ** 32 milliseconds", received: value });
}

/** Throws `UnknownOptionError`. `argument` is where the options stand, as in `options.topology.queues[0]`. */
export function checkNames(call: string, argument: string, options: unknown, names: OptionNames): void {
  checkOptionNames(call, options, names, `${argument}.`.replace(/^options\./, ""));
}

export function refuse(argument: string, expected: string, received: unknown): never {
  throw new InvalidArgumentError({ argument, expected, received });
}
