import { sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { settledAtOnce } from "../../../traits/message.ts";
import { Backoff } from "../../shared/backoff.ts";
import { within } from "../../shared/within.ts";
import type { ClientProducer } from "../client.ts";
import { faultOf } from "../errors.ts";
import type { Cluster } from "../topology/cluster.ts";

interface Producer {
  readonly client: ClientProducer;
  readonly connected: Promise<void>;
  /** Calls under way with it. */
  uses: number;
  /** Not to be used again: it is disconnected when the last use is over. */
  discarded: boolean;
  /** Resolved when it is discarded and not in use. */
  readonly idle: Deferred<void>;
}

/**
 * The producer in use, made when it is first needed and replaced after a failure.
 *
 * When an idempotent producer of kafkajs gives up on a batch, it gives the next batch the same sequence number. If the
 * server has the first batch after all, it takes the next for a repetition and drops it. So a producer that failed is
 * never used again.
 */
export class ReconnectingProducer {
  readonly #cluster: Cluster;
  readonly #create: () => ClientProducer;
  readonly #ended = new AbortController();
  #producer: Producer | undefined = undefined;
  #connecting: Promise<void> | undefined = undefined;
  /** One for each call that waits for a connection: whether it has stopped waiting. */
  readonly #wanting = new Set<() => boolean>();

  constructor(cluster: Cluster, create: () => ClientProducer) {
    this.#cluster = cluster;
    this.#create = create;
  }

  /** Runs `work` with the producer; when it fails, the next call gets another one. */
  async use<T>(work: (producer: ClientProducer) => Promise<T>): Promise<T> {
    const producer = this.#current();
    producer.uses += 1;
    try {
      await producer.connected;
      return await work(producer.client);
    } catch (error) {
      this.#discard(producer);
      throw error;
    } finally {
      producer.uses -= 1;
      if (producer.discarded && producer.uses === 0) {
        producer.idle.resolve();
        disconnect(producer);
      }
    }
  }

  /** The next call gets another producer. */
  replace(): void {
    if (this.#producer) this.#discard(this.#producer);
  }

  /** Resolves when there is a connected producer. Keeps trying through an outage, until `over()`. */
  async connect(over: () => boolean): Promise<void> {
    this.#wanting.add(over);
    this.#connecting ??= this.#connect();
    try {
      await this.#connecting;
    } finally {
      this.#wanting.delete(over);
    }
  }

  /** Disconnects when what is under way is over, or after `limitMs`. */
  async close(limitMs: number): Promise<void> {
    this.#ended.abort();
    this.#cluster.outages.forget(this);
    const producer = this.#producer;
    if (producer === undefined) return;
    this.#discard(producer);
    const { clock } = this.#cluster;
    if (producer.uses > 0) await within(clock, limitMs, producer.idle.promise);
    await within(clock, limitMs, producer.client.disconnect());
  }

  /** One for all who wait. */
  async #connect(): Promise<void> {
    const { clock, secrets, outages, reconnect } = this.#cluster;
    const backoff = new Backoff(reconnect);
    try {
      for (;;) {
        try {
          await this.use(() => settledAtOnce);
          outages.restored(this, backoff.attempts);
          return;
        } catch (error) {
          const { outage, cause } = faultOf(error, secrets);
          if (!outage || this.#isOver()) throw error;
          outages.lost(this, backoff.attempts + 1, cause);
          await sleep(clock, backoff.next(), this.#ended.signal).catch(() => undefined);
          if (this.#isOver()) throw error;
        }
      }
    } finally {
      this.#connecting = undefined;
    }
  }

  #isOver(): boolean {
    return this.#ended.signal.aborted || [...this.#wanting].every((over) => over());
  }

  #current(): Producer {
    if (this.#producer === undefined) {
      const client = this.#create();
      const connected = client.connect();
      connected.catch(() => undefined);
      this.#producer = { client, connected, uses: 0, discarded: false, idle: deferred() };
    }
    return this.#producer;
  }

  #discard(producer: Producer): void {
    producer.discarded = true;
    if (this.#producer === producer) this.#producer = undefined;
  }
}

function disconnect({ client }: Producer): void {
  client.disconnect().catch(() => undefined);
}
