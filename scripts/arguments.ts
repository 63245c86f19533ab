/** The command line cannot be followed. The message is one sentence. */
export class UsageError extends Error {}

/** The number an option was given. Throws `UsageError`. */
export function wholeNumber(option: string, text: string, minimum: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= minimum) return value;
  throw new UsageError(`${option} must be a whole number of at least ${minimum}; received "${text}".`);
}
