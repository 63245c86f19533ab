import type { Clock } from "../../../traits/clock.ts";
import type {
  ClientHeaders,
  ClientMessage,
  ClientSubscription,
  ServerConnection,
} from "../../nats/client.ts";
import type { RequestFault } from "../../nats/errors.ts";
import { statusOf, uniqueName } from "../../nats/publisher/requests.ts";
import { Alarm } from "../../shared/alarm.ts";

export interface PullRequestContext {
  readonly server: ServerConnection;
  readonly clock: Clock;
  readonly inboxPrefix: string;
  readonly heartbeatMs: number;
}

/** What comes of pull requests. None of these may throw. */
export interface PullRequestEvents {
  deliver(message: ClientMessage): void;
  /** A pull request has expired or was fulfilled. */
  ended(): void;
  /** There is nothing to deliver at the moment. */
  idle(): void;
  /** The server says that the consumer is no more. */
  deleted(): void;
  /** The server reported a passing fault, or sent no heartbeat for too long: the consumer has to be found again. */
  needsRecovery(reason: string): void;
  /** The server will never answer such a pull request. */
  failed(reason: string): void;
}

/** After this many heartbeat intervals without a word, the server has forgotten the pull request. */
const missedHeartbeats = 2.5;

const encoder = new TextEncoder();

/** Pull requests to a consumer, and how many messages they are still good for. */
export class PullRequests {
  readonly #context: PullRequestContext;
  readonly #events: PullRequestEvents;
  readonly #alarm: Alarm;
  #inbox = "";
  #subscription: ClientSubscription | undefined = undefined;
  #last = 0;
  /** Messages that were requested, and that the server has neither delivered nor given up. */
  #outstanding = 0;
  /** When the server was last heard of. */
  #heardAt = 0;
  /** Counts the calls of `discard()`: what was requested before the last is not taken, though its inbox may be draining. */
  #discards = 0;

  constructor(context: PullRequestContext, events: PullRequestEvents) {
    this.#context = context;
    this.#events = events;
    this.#alarm = new Alarm(context.clock, () => this.#checkHeartbeat());
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** Deliveries come from here on. */
  open(): void {
    const { server, inboxPrefix } = this.#context;
    const inbox = `${inboxPrefix}.${uniqueName()}`;
    const discards = this.#discards;
    this.#inbox = inbox;
    this.#subscription = server.subscribe(
      `${inbox}.*`,
      undefined,
      (message) => {
        if (discards === this.#discards) this.#take(inbox, message);
      },
      (fault: RequestFault) => this.#events.failed(fault.message),
    );
  }

  request(subject: string, batch: number, expiresMs: number): void {
    const { clock, heartbeatMs, server } = this.#context;
    this.#last += 1;
    const idle = Math.min(heartbeatMs, expiresMs / 2);
    const body = { batch, expires: Math.round(expiresMs * 1e6), idle_heartbeat: Math.round(idle * 1e6) };
    server.publish(subject, encoder.encode(JSON.stringify(body)), { reply: `${this.#inbox}.${this.#last}` });
    if (this.#outstanding === 0) this.#heardAt = clock.now();
    this.#outstanding += batch;
    this.#alarm.at(this.#heardAt + missedHeartbeats * heartbeatMs);
  }

  /** The server has forgotten all requests, or is to be taken so. */
  forget(): void {
    this.#outstanding = 0;
    this.#alarm.cancel();
  }

  /** What was asked for before is not taken any more, and not kept by the server for long; what is asked for next is. */
  resubscribe(): void {
    this.discard();
    this.open();
  }

  /** Whatever is still on its way from the server to here is not taken any more. */
  discard(): void {
    this.forget();
    this.#discards += 1;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** Resolves when nothing more can come; what comes until then is delivered. */
  async drain(): Promise<void> {
    this.forget();
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await subscription?.drain();
  }

  #take(inbox: string, message: ClientMessage): void {
    const isStatus = message.subject.startsWith(inbox);
    // Of requests that are forgotten only the deliveries matter.
    if (inbox === this.#inbox) {
      this.#heardAt = this.#context.clock.now();
      if (isStatus) this.#onStatus(message);
      else this.#outstanding = Math.max(0, this.#outstanding - 1);
    }
    if (!isStatus) this.#events.deliver(message);
  }

  #onStatus(message: ClientMessage): void {
    const headers = statusOf(message);
    const { code = 0, description = "" } = headers ?? {};
    // A heartbeat.
    if (code === 100) {
      this.#events.idle();
      return;
    }
    this.#outstanding = Math.max(0, this.#outstanding - leftOver(headers));
    if (code === 404 || code === 408) this.#events.ended();
    else if (/consumer deleted/i.test(description)) this.#events.deleted();
    else if (code === 400 || /exceeded maxrequest|push based/i.test(description)) {
      this.#events.failed(`the server refuses requests for messages: ${description}`);
    } else this.#events.needsRecovery(`${code} ${description}`.trim());
  }

  #checkHeartbeat(): void {
    if (this.#outstanding === 0 || !this.#context.server.up) return;
    const due = this.#heardAt + missedHeartbeats * this.#context.heartbeatMs;
    if (due > this.#context.clock.now()) this.#alarm.at(due);
    else
      this.#events.needsRecovery(
        `no heartbeat for ${Math.round(missedHeartbeats * this.#context.heartbeatMs)} ms`,
      );
  }
}

/** How many messages a request that ended was still good for. */
function leftOver(headers: ClientHeaders | undefined): number {
  for (const [name, values] of headers ?? []) {
    if (name === "Nats-Pending-Messages") return Number(values[0]) || 0;
  }
  return 0;
}
