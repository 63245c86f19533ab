/** A connection that `await using` closes. */
export abstract class ClosableConnection implements AsyncDisposable {
  abstract close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
