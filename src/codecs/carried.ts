import { InvalidArgumentError } from "../traits/errors.ts";

const deepest = 100;
const smallest = -(2n ** 63n);
const largest = 2n ** 64n - 1n;

/**
 * Throws on a value that the binary codecs would change on the way. They carry what JSON carries, and `NaN`, infinities, bytes
 * and whole numbers of 64 bits. A property that is `undefined` is left out, as in JSON; -0 arrives as 0.
 *
 * `call` names the codec: `cbor.encode(value)`.
 */
export function checkCarried(call: string, value: unknown): void {
  const refuse = (path: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError({ argument: `${call}${path}`, expected, received });
  };
  const check = (at: unknown, path: string, depth: number): void => {
    if (depth > deepest) refuse(path, `nested at most ${deepest} levels deep, and not in itself`, at);
    switch (typeof at) {
      case "boolean":
      case "number":
        return;
      case "string":
        if (!at.isWellFormed()) refuse(path, "a string without lone surrogates", at);
        return;
      case "bigint":
        if (Number.isSafeInteger(Number(at)))
          refuse(path, "a number: a bigint that small arrives as one", at);
        if (at < smallest || at > largest) refuse(path, "a whole number of 64 bits", at);
        return;
      case "object":
        if (at === null || at instanceof Uint8Array) return;
        if (Array.isArray(at)) checkItems(at, path, depth);
        else checkFields(at, path, depth);
        return;
      default:
        refuse(path, carried, at);
    }
  };
  const checkItems = (items: readonly unknown[], path: string, depth: number): void => {
    for (let index = 0; index < items.length; index += 1) check(items[index], `${path}[${index}]`, depth + 1);
  };
  const checkFields = (object: object, path: string, depth: number): void => {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null) refuse(path, carried, object);
    if (Object.getOwnPropertySymbols(object).length > 0) refuse(path, "without symbols as keys", object);
    for (const [key, field] of Object.entries(object)) {
      if (key === "__proto__") refuse(path, 'without a key "__proto__"', object);
      if (!key.isWellFormed()) refuse(path, "with keys without lone surrogates", object);
      if (field !== undefined) check(field, `${path}.${key}`, depth + 1);
    }
  };
  check(value, "", 0);
}

const carried =
  "null, a boolean, number, 64-bit bigint, string, Uint8Array, or an array or plain object of these";
