/** A value as a person would write it in a sentence, cut to 80 characters. */
export function show(value: unknown): string {
  return cut(describe(value));
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") {
    const name = nameOf(() => value);
    return name === undefined ? "a function" : `a function named ${name}`;
  }
  if (typeof value === "object" && value !== null) {
    return `an object (${nameOf(() => value.constructor) ?? "without a name"})`;
  }
  return String(value);
}

/** Reads the name of what `from` gives. It must not fail: an error about a bad value is not hidden by another one. */
function nameOf(from: () => { readonly name?: unknown } | null | undefined): string | undefined {
  try {
    const name = from()?.name;
    return typeof name === "string" && name.length > 0 ? name : undefined;
  } catch {
    return undefined;
  }
}

function cut(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
