/** Whether it has to be awaited. What answers at once is not, which saves a turn of the microtask queue. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
