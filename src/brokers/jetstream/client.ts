import { NotSupportedError, TimeoutError } from "../../traits/errors.ts";
import type { CoreConnection } from "../nats/connection/core-connection.ts";
import { RequestFault } from "../nats/errors.ts";
import { JetStreamApiError } from "./errors.ts";

export interface ApiSettings {
  /** "$JS.API", or "$JS.<domain>.API" */
  readonly prefix: string;
  readonly timeoutMs: number;
}

const empty = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Calls of the JetStream API. They reject with `JetStreamApiError`, or as requests do. */
export class JetStreamApi {
  readonly connection: CoreConnection;
  readonly #settings: ApiSettings;

  constructor(connection: CoreConnection, settings: ApiSettings) {
    this.connection = connection;
    this.#settings = settings;
  }

  get timeoutMs(): number {
    return this.#settings.timeoutMs;
  }

  async call<Answer>(verb: string, body?: object, signal?: AbortSignal): Promise<Answer> {
    const subject = this.subject(verb);
    // A call without a body must have an empty payload: the server refuses even "{}".
    const payload = body === undefined ? empty : encoder.encode(JSON.stringify(body));
    const what = `The JetStream API call ${verb}`;
    try {
      const { timeoutMs } = this.#settings;
      // None of the calls made here does more when it is made twice.
      const answer = await this.connection.requests.send({
        subject,
        payload,
        what,
        timeoutMs,
        signal,
        repeatable: true,
      });
      return readAnswer<Answer>(answer.data);
    } catch (error) {
      if (!(error instanceof RequestFault) || error.kind !== "no-responders") throw error;
      const description = "JetStream does not answer; it is not enabled on this server or for this account";
      throw new JetStreamApiError({ status: 503, errorCode: 0, description });
    }
  }

  subject(verb: string): string {
    return `${this.#settings.prefix}.${verb}`;
  }

  /** What a call that got no answer says to those who called `what`. */
  unanswered(what: string, error: unknown): unknown {
    if (!(error instanceof RequestFault)) return error;
    if (error.kind === "refused") return new NotSupportedError({ capability: what, reason: error.message });
    return new TimeoutError({ what, timeoutMs: this.timeoutMs });
  }

  /** Sends a call and does not wait for its answer. On a connection that is closed it does nothing. */
  send(verb: string): void {
    try {
      this.connection.server.publish(this.subject(verb), empty);
    } catch {
      // There is nobody to tell.
    }
  }
}

/** Throws `JetStreamApiError` where the answer is a refusal. */
export function readAnswer<Answer>(data: Uint8Array): Answer {
  const answer: Answer & { readonly error?: ApiError } = JSON.parse(decoder.decode(data));
  const { error } = answer;
  if (error === undefined) return answer;
  const { code, err_code = 0, description = "refused without a reason" } = error;
  throw new JetStreamApiError({ status: code, errorCode: err_code, description });
}

interface ApiError {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}
