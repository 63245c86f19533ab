import { AbortedError } from "../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "./abort-watch.ts";

/** Takes the answer to a call: one of the two is called, once. */
export interface CallAnswer<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A call that waits for its answer. Its signal rejects it with `AbortedError`. Only the first answer counts. */
export class PendingCall<T> implements Abortable {
  /** Names the call in errors. */
  readonly what: string;
  readonly #signal: AbortSignal | undefined;
  readonly #answer: CallAnswer<T>;
  #over = false;

  constructor(what: string, signal: AbortSignal | undefined, answer: CallAnswer<T>) {
    this.what = what;
    this.#signal = signal;
    this.#answer = answer;
    if (signal !== undefined) watchAbort(signal, this);
  }

  /** Whether it waits no longer. */
  get over(): boolean {
    return this.#over;
  }

  resolve(value: T): void {
    if (this.drop()) this.#answer.resolve(value);
  }

  reject(error: unknown): void {
    if (this.drop()) this.#answer.reject(error);
  }

  onAbort(): void {
    this.reject(new AbortedError({ what: this.what, cause: this.#signal?.reason }));
  }

  /** Ends the wait without an answer. Returns whether it was waiting. */
  drop(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
    this.onOver();
    return true;
  }

  /** Called once, before the answer is given. */
  protected onOver(): void {}
}
