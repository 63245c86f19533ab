import type { MiddlewareOutcome } from "./outcome.ts";

/** As `await` does it: whatever `then` the promise itself has been given is not called. */
const { then } = Promise.prototype;

/**
 * Waits for the handler that runs on one worker. Its two callbacks are made once, and not for each message: an async
 * function that awaits took 4 to 10 % more processor time a message of `workers(16, byKey)` with an async handler.
 */
export class Worker<D extends object> {
  readonly #read: (returned: unknown) => MiddlewareOutcome;
  readonly #ended: (delivery: D, result: MiddlewareOutcome) => void;
  /** Set exactly while its handler's promise is awaited. */
  #delivery: D | undefined = undefined;

  /** `read`: what the promise resolved with as an outcome; it throws on anything else. */
  constructor(
    read: (returned: unknown) => MiddlewareOutcome,
    ended: (delivery: D, result: MiddlewareOutcome) => void,
  ) {
    this.#read = read;
    this.#ended = ended;
  }

  /** `ended` is called once, with what comes of `returned`, and not before this returns. */
  await(delivery: D, returned: PromiseLike<unknown>): void {
    this.#delivery = delivery;
    void then.call(Promise.resolve(returned), this.#onReturned, this.#onThrown);
  }

  readonly #onReturned = (returned: unknown): void => {
    let result: MiddlewareOutcome;
    try {
      result = this.#read(returned);
    } catch (error) {
      result = { kind: "failure", error };
    }
    this.#end(result);
  };

  readonly #onThrown = (error: unknown): void => this.#end({ kind: "failure", error });

  #end(result: MiddlewareOutcome): void {
    const delivery = this.#delivery;
    this.#delivery = undefined;
    if (delivery !== undefined) this.#ended(delivery, result);
  }
}
