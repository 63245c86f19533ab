/** A connection that is shut down under every name by which something closes. */
export abstract class ClosableConnection implements AsyncDisposable {
  abstract shutdown(): Promise<void>;

  close(): Promise<void> {
    return this.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
