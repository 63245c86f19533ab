import { randomUUID } from "node:crypto";
import { Fifo } from "../../../structures/fifo.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import {
  AbortedError,
  ConnectionClosedError,
  TransactionError,
  throwIfAborted,
} from "../../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
import type { ClientProducer } from "../client.ts";
import { faultOf } from "../errors.ts";
import {
  deliveries,
  type KafkaMessage,
  type KafkaRecord,
  type RecordPartition,
  type TransactionalSettlement,
} from "../message/message.ts";
import { ReconnectingProducer } from "./producer.ts";
import {
  type KafkaTransaction,
  type KafkaTransactionOptions,
  retryWhileConcurrent,
  Transaction,
  type TransactionContext,
} from "./transaction.ts";

/** How a transaction ended whose producer is as good as before. */
type Ending<T> = { readonly result: T } | { readonly error: unknown };

/** More transactions at once wait for one of these to end. */
const mostAtOnce = 16;

/** A producer, which can have one transaction at a time, with the name it has for the server. */
interface PooledProducer {
  readonly transactionalId: string;
  readonly producer: ReconnectingProducer;
  busy: boolean;
}

/** The transactions of one publisher. Those that overlap get a producer each. */
export class Transactions {
  readonly #context: TransactionContext;
  readonly #name: string;
  /** The first that is free is taken, so that a new process of the same name begins with the same ones. */
  readonly #pool: PooledProducer[] = [];
  readonly #waiting = new Fifo<Deferred<PooledProducer>>();
  readonly #running = new Set<Interruption>();
  #over = false;

  constructor(context: TransactionContext) {
    this.#context = context;
    this.#name = context.options.transactionalId ?? `tidelane-${randomUUID()}`;
  }

  async run<T>(
    work: (publisher: KafkaTransaction) => Promise<T>,
    options: KafkaTransactionOptions,
  ): Promise<T> {
    const { signal, consumed = [] } = options;
    const batch = consumed.length > 0 ? batchOf(consumed) : undefined;
    batch?.owner.checkSettleWith(batch.records);
    const interruption = new Interruption(signal);
    this.#running.add(interruption);
    const taking = this.#acquire();
    try {
      const pooled = await Promise.race([taking, interruption.promise]);
      await this.#prepare(pooled, signal);
      const ending = await pooled.producer.use((producer) =>
        this.#perform(pooled, producer, work, batch, interruption),
      );
      if ("error" in ending) throw ending.error;
      return ending.result;
    } finally {
      this.#running.delete(interruption);
      interruption.forget();
      void taking.then((pooled) => this.#release(pooled));
    }
  }

  async close(): Promise<void> {
    this.#over = true;
    const { broker, closeTimeoutMs } = this.#context.cluster;
    for (const running of this.#running) {
      running.interrupt(new ConnectionClosedError({ broker, during: "transaction()" }));
    }
    await Promise.all(this.#pool.map(({ producer }) => producer.close(closeTimeoutMs)));
  }

  #acquire(): Promise<PooledProducer> {
    const free = this.#pool.find(({ busy }) => !busy) ?? this.#grow();
    if (free) {
      free.busy = true;
      return Promise.resolve(free);
    }
    const call = deferred<PooledProducer>();
    this.#waiting.push(call);
    return call.promise;
  }

  #grow(): PooledProducer | undefined {
    if (this.#pool.length === mostAtOnce) return undefined;
    const transactionalId = `${this.#name}-${this.#pool.length}`;
    const producer = new ReconnectingProducer(this.#context.cluster, () =>
      this.#context.create(transactionalId),
    );
    const pooled = { transactionalId, producer, busy: false };
    this.#pool.push(pooled);
    return pooled;
  }

  #release(pooled: PooledProducer): void {
    const next = this.#waiting.shift();
    if (next) next.resolve(pooled);
    else pooled.busy = false;
  }

  async #prepare({ producer }: PooledProducer, signal: AbortSignal | undefined): Promise<void> {
    const over = (): boolean => this.#over || signal?.aborted === true;
    try {
      if (!over()) await producer.connect(over);
    } catch (error) {
      if (!over()) throw this.#failed("it could not begin", error);
    }
    throwIfAborted(signal, "transaction()");
    const { broker } = this.#context.cluster;
    if (this.#over) throw new ConnectionClosedError({ broker, during: "transaction()" });
  }

  /** Rejects where the producer is not to be used again. */
  async #perform<T>(
    pooled: PooledProducer,
    producer: ClientProducer,
    work: (publisher: KafkaTransaction) => Promise<T>,
    batch: Batch | undefined,
    interruption: Interruption,
  ): Promise<Ending<T>> {
    const transaction = await this.#begin(producer);
    let result: T;
    try {
      result = await Promise.race([transaction.collect(work), interruption.promise]);
      batch?.owner.checkSettleWith(batch.records);
    } catch (error) {
      try {
        const { closeTimeoutMs } = this.#context.cluster;
        await transaction.abort(error, interruption.fired ? 0 : closeTimeoutMs);
        return { error };
      } catch {
        // The server aborts it by itself in a while; what ended it is what counts.
        throw error;
      }
    }
    if (batch === undefined) await this.#commit(pooled, transaction, undefined);
    else {
      await batch.owner.settleWith(batch.records, async (group, offsets) => {
        await this.#sendOffsets(transaction, group, offsets);
        await this.#commit(pooled, transaction, { group, offsets });
      });
    }
    return { result };
  }

  async #begin(producer: ClientProducer): Promise<Transaction> {
    try {
      return new Transaction(
        this.#context,
        await retryWhileConcurrent(this.#context.cluster, () => producer.transaction()),
      );
    } catch (error) {
      throw this.#failed("it could not begin", error);
    }
  }

  async #sendOffsets(
    transaction: Transaction,
    group: string,
    offsets: ReadonlyMap<RecordPartition, number>,
  ): Promise<void> {
    try {
      await transaction.addOffsets(group, offsets);
    } catch (error) {
      await transaction.abort(error, 0).catch(() => undefined);
      throw this.#failed("its offsets were refused", error);
    }
  }

  /** A commit without an answer may have been carried out: where offsets went with it, those tell. */
  async #commit(
    pooled: PooledProducer,
    transaction: Transaction,
    sent: { readonly group: string; readonly offsets: ReadonlyMap<RecordPartition, number> } | undefined,
  ): Promise<void> {
    try {
      await transaction.commit();
    } catch (error) {
      pooled.producer.replace();
      const unknown = "the server did not confirm the commit, and whether it is visible is not known";
      if (sent === undefined) throw this.#failed(unknown, error);
      const committed = await this.#hasCommitted(pooled, sent.group, sent.offsets).catch((asked: unknown) => {
        throw this.#failed(unknown, asked);
      });
      if (!committed) throw this.#failed("the server did not commit it", error);
    }
  }

  async #hasCommitted(
    { transactionalId }: PooledProducer,
    groupId: string,
    offsets: ReadonlyMap<RecordPartition, number>,
  ): Promise<boolean> {
    const { cluster, create } = this.#context;
    // A producer with the same transactional id makes the server finish what the last one left, one way or the other.
    const successor = create(transactionalId);
    try {
      await successor.connect();
      await retryWhileConcurrent(cluster, () => successor.transaction());
      const topics = [...new Set(Array.from(offsets.keys(), ({ topic }) => topic))];
      const committed = await cluster.admin.askUntil(
        () => this.#over,
        (admin) => admin.fetchOffsets({ groupId, topics }),
      );
      return Array.from(offsets).every(([{ topic, id }, offset]) => {
        const partitions = committed.find((one) => one.topic === topic)?.partitions;
        return Number(partitions?.find(({ partition }) => partition === id)?.offset ?? -1) >= offset;
      });
    } finally {
      successor.disconnect().catch(() => undefined);
    }
  }

  #failed(what: string, error: unknown): TransactionError {
    const { reason, cause } = faultOf(error, this.#context.cluster.secrets);
    return new TransactionError({ reason: `${what}: ${reason}`, cause });
  }
}

/** What a transaction consumes: deliveries of one assignment. */
interface Batch {
  readonly owner: TransactionalSettlement;
  readonly records: ReadonlySet<KafkaRecord>;
}

function batchOf(consumed: readonly KafkaMessage[]): Batch {
  for (const { revoked } of consumed) if (revoked) throw revoked;
  const records = consumed.map((message) => deliveries.recordOf(message));
  const [owner, ...others] = new Set(records.map(({ partition }) => partition.owner));
  if (owner !== undefined && others.length === 0) return { owner, records: new Set(records) };
  throw new TransactionError({ reason: "its consumed deliveries came from more than one subscription" });
}

/** Ends the wait for a transaction from outside. */
class Interruption implements Abortable {
  readonly #signal: AbortSignal | undefined;
  readonly #deferred: Deferred<never> = deferred();
  #fired = false;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#deferred.promise.catch(() => undefined);
    if (signal) watchAbort(signal, this);
  }

  get promise(): Promise<never> {
    return this.#deferred.promise;
  }

  /** Nobody waits any more. */
  get fired(): boolean {
    return this.#fired;
  }

  interrupt(error: unknown): void {
    this.#fired = true;
    this.#deferred.reject(error);
  }

  onAbort(): void {
    this.interrupt(new AbortedError({ what: "transaction()", cause: this.#signal?.reason }));
  }

  forget(): void {
    if (this.#signal) unwatchAbort(this.#signal, this);
  }
}
