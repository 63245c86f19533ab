import { VirtualClock } from "tidelane/testing";
import type {
  Argument,
  ConnectionListener,
  OpenConnection,
  Reply,
  ServerConnection,
} from "../../../src/brokers/redis/client.ts";
import { Secrets } from "../../../src/brokers/shared/secrets.ts";
import { ConnectionClosedError } from "../../../src/traits/errors.ts";

/** A call that waits for its answer. */
export interface Call {
  readonly args: readonly Argument[];
  answer(reply: Reply): void;
  refuse(message: string): void;
}

/** A connection whose server answers when the test says so. */
export class FakeConnection implements ServerConnection {
  readonly clock: VirtualClock = new VirtualClock();
  readonly settings = {
    name: "redis",
    clock: this.clock,
    reconnect: {},
    heartbeatMs: 10_000,
    publishTimeoutMs: 1_000,
    closeTimeoutMs: 1_000,
    maxPayloadBytes: 1_000,
    secrets: new Secrets([]),
  };
  readonly calls: Call[] = [];
  state: "open" | "reconnecting" | "closed" = "open";
  usable: (OpenConnection & { over: boolean }) | undefined;
  readonly #listeners = new Set<ConnectionListener>();
  #waiting: ((open: OpenConnection) => void)[] = [];

  constructor() {
    this.restore();
  }

  /** What was sent and has no answer is rejected, as the client does it. */
  lose(): void {
    if (this.usable !== undefined) this.usable.over = true;
    this.usable = undefined;
    this.state = "reconnecting";
    for (const call of this.calls.splice(0)) call.refuse("Socket closed unexpectedly");
    for (const listener of this.#listeners) listener.connectionLost?.();
  }

  restore(): void {
    const open = { over: false, call: (...args: Argument[]) => this.#call(args) };
    this.usable = open;
    this.state = "open";
    for (const listener of this.#listeners) listener.connectionRestored?.();
    for (const waiting of this.#waiting.splice(0)) waiting(open);
  }

  async end(): Promise<void> {
    this.state = "closed";
    await Promise.all([...this.#listeners].map((listener) => listener.connectionEnded(undefined)));
  }

  check(during: string): void {
    if (this.state === "closed") throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: "redis", during });
  }

  whenOpen(): Promise<OpenConnection> {
    if (this.usable !== undefined) return Promise.resolve(this.usable);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  blocking(): never {
    throw new Error("nothing blocks here");
  }

  add(listener: ConnectionListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: ConnectionListener): void {
    this.#listeners.delete(listener);
  }

  #call(args: readonly Argument[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.calls.push({ args, answer: resolve, refuse: (message) => reject(new Error(message)) });
    });
  }
}
