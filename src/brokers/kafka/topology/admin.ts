import { type Clock, sleep } from "../../../traits/clock.ts";
import { Backoff } from "../../shared/backoff.ts";
import type { Secrets } from "../../shared/secrets.ts";
import { within } from "../../shared/within.ts";
import type { Client, ClientAdmin } from "../client.ts";
import { faultOf } from "../errors.ts";

/** Hears which parts of a connection are without the server. A part is any object that stands for one. */
export interface OutageReport {
  /** `part` is gone, or attempt number `attempt` to bring it back failed. */
  lost(part: object, attempt: number, error: unknown): void;
  /** `part` has the server, after that many attempts. */
  restored(part: object, attempt: number): void;
  /** `part` has ended. */
  forget(part: object): void;
}

interface Admin {
  readonly client: ClientAdmin;
  readonly connected: Promise<void>;
}

/**
 * A server that answers is there. What it cannot do yet passes within a few attempts, as while a new topic has no leader;
 * what lasts longer is an outage.
 */
const passing = 4;

/** The connection's one admin client, replaced when it fails: kafkajs does not always find back by itself. */
export class ReconnectingAdmin {
  readonly #clock: Clock;
  readonly #createClient: () => Client;
  readonly #secrets: Secrets;
  readonly #outages: OutageReport;
  #admin: Admin | undefined = undefined;

  constructor(clock: Clock, createClient: () => Client, secrets: Secrets, outages: OutageReport) {
    this.#clock = clock;
    this.#createClient = createClient;
    this.#secrets = secrets;
    this.#outages = outages;
  }

  /** Asks once. Rejects with an error of kafkajs. */
  async ask<T>(question: (admin: ClientAdmin) => Promise<T>): Promise<T> {
    const admin = this.#current();
    try {
      await admin.connected;
      return await question(admin.client);
    } catch (error) {
      if (faultOf(error, this.#secrets).type === undefined) this.#drop(admin.client);
      throw error;
    }
  }

  /** Asks again, with growing pauses, until there is an answer, the error is final, or `over()` says so. */
  async askUntil<T>(over: () => boolean, question: (admin: ClientAdmin) => Promise<T>): Promise<T> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 2_000 });
    try {
      for (;;) {
        try {
          const answer = await this.ask(question);
          this.#outages.restored(backoff, backoff.attempts);
          return answer;
        } catch (error) {
          const { final, outage, type, cause } = faultOf(error, this.#secrets);
          if (over() || final) throw error;
          const isGone = type === undefined || backoff.attempts >= passing;
          if (outage && isGone) this.#outages.lost(backoff, backoff.attempts + 1, cause);
          await sleep(this.#clock, backoff.next());
          if (over()) throw error;
        }
      }
    } finally {
      this.#outages.forget(backoff);
    }
  }

  /** Disconnects, within `limitMs`. */
  async close(limitMs: number): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    if (admin) await within(this.#clock, limitMs, admin.client.disconnect());
  }

  #current(): Admin {
    if (this.#admin === undefined) {
      const client = this.#createClient().admin();
      const connected = client.connect();
      connected.catch(() => undefined);
      this.#admin = { client, connected };
    }
    return this.#admin;
  }

  #drop(client: ClientAdmin): void {
    if (this.#admin?.client === client) this.#admin = undefined;
    client.disconnect().catch(() => undefined);
  }
}
