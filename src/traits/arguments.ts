import { InvalidArgumentError } from "./errors.ts";

/** A whole number of at least `minimum`, returned as it came. `Infinity` passes where `unbounded` allows it. */
export function checkCount(argument: string, value: unknown, minimum = 1, unbounded = false): number {
  if (unbounded && value === Number.POSITIVE_INFINITY) return value;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= minimum) return value;
  const expected = `a whole number of at least ${minimum}${unbounded ? ", or Infinity" : ""}`;
  throw new InvalidArgumentError({ argument, expected, received: value });
}

/** A duration in milliseconds: finite and not negative. */
export function checkDuration(argument: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError({
    argument,
    expected: "a number of milliseconds, 0 or more",
    received: value,
  });
}

export function checkFunction(argument: string, value: unknown): void {
  if (typeof value !== "function") {
    throw new InvalidArgumentError({ argument, expected: "a function", received: value });
  }
}

/** Something with properties to read: options, a policy, a signal. */
export function checkObject(argument: string, value: unknown, expected = "an object"): void {
  if (typeof value === "object" && value !== null) return;
  throw new InvalidArgumentError({ argument, expected, received: value });
}

/** An `AbortSignal`, or none. */
export function checkSignal(argument: string, value: unknown): void {
  if (value === undefined || typeof (value as Partial<AbortSignal> | null)?.addEventListener === "function")
    return;
  throw new InvalidArgumentError({ argument, expected: "an AbortSignal", received: value });
}

/** A name that can stand in an error and on the wire: not empty, no control characters, no lone surrogates. */
export function checkName(argument: string, value: unknown): string {
  if (typeof value === "string" && value.length > 0 && !/[\p{Cc}\p{Cs}]/u.test(value)) return value;
  throw new InvalidArgumentError({
    argument,
    expected: "a non-empty string without control characters or lone surrogates",
    received: value,
  });
}
