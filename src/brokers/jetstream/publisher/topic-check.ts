import { isTidelaneError, PublishFailedError } from "../../../traits/errors.ts";
import { RequestFault, textOf } from "../../nats/errors.ts";
import { publishError } from "../../nats/publisher/outgoing.ts";
import { uniqueName } from "../../nats/publisher/requests.ts";
import { type JetStreamApi, readAnswer } from "../client.ts";
import { JetStreamApiError } from "../errors.ts";
import { streamsOf } from "../topology/topology.ts";

/** Whether a stream stores what is published to a topic. */
export class TopicCheck {
  readonly #api: JetStreamApi;
  /** Topics with a stream that the API does not name: by a subject mapping, or of another domain or account. */
  readonly #unnamed = new Set<string>();

  constructor(api: JetStreamApi) {
    this.#api = api;
  }

  /** Nobody listened: for good where the server says that no stream has the subject, else maybe for a moment. */
  async absence(topic: string, signal: AbortSignal | undefined, cause: RequestFault): Promise<unknown> {
    const isUnnamed = this.#unnamed.has(topic);
    const fault = isUnnamed ? undefined : await this.fault(topic, signal).catch(() => undefined);
    if (fault !== undefined) return fault;
    const reason = `no stream took "${topic}" at this moment, as when its server stops`;
    return new PublishFailedError({ topic, reason, retryable: true, cause });
  }

  /** Why a message for this subject cannot be stored; undefined where it can, or where we may not ask. */
  async fault(topic: string, signal: AbortSignal | undefined): Promise<PublishFailedError | undefined> {
    try {
      if ((await streamsOf(this.#api, topic, signal)).length > 0) return undefined;
      if (await this.#isTaken(topic, signal)) return undefined;
      const reason = `no stream has the subject "${topic}"; create one with connection.createStream(), or add the subject to one with update: "add"`;
      return new PublishFailedError({ topic, reason, retryable: false });
    } catch (error) {
      if (error instanceof RequestFault && error.kind === "refused") return undefined;
      if (!(error instanceof JetStreamApiError)) throw error;
      // The API does not answer while its server stops or starts.
      return new PublishFailedError({ topic, reason: textOf(error), retryable: true, cause: error });
    }
  }

  /**
   * Whether anybody takes what is published to the subject, which the API cannot tell of mapped subjects and of streams
   * elsewhere. It asks by a message that no stream stores: each of its two expectations is one that cannot hold.
   */
  async #isTaken(topic: string, signal: AbortSignal | undefined): Promise<boolean> {
    const headers = this.#api.connection.makeHeaders();
    headers.append("Nats-Expected-Stream", `tidelane-asks-${uniqueName()}`);
    headers.append("Nats-Expected-Last-Sequence", String(2n ** 63n - 1n));
    const what = `The question who takes ${JSON.stringify(topic)}`;
    const { timeoutMs } = this.#api;
    const payload = new Uint8Array();
    try {
      const request = { subject: topic, payload, headers, what, timeoutMs, signal, repeatable: true };
      readAnswer((await this.#api.connection.requests.send(request)).data);
    } catch (error) {
      if (error instanceof RequestFault && error.kind === "no-responders") return false;
      if (error instanceof RequestFault && error.kind === "refused") throw publishError(topic, error);
      // Whoever is silent takes it too; what else answers than a stream is told apart when a message is published.
      if (!(error instanceof JetStreamApiError)) return isAnswer(error);
      this.#unnamed.add(topic);
    }
    return true;
  }
}

/** Whether the error says that somebody listens. What else went wrong is thrown. */
function isAnswer(error: unknown): boolean {
  if (error instanceof SyntaxError || isTidelaneError(error, "TIDELANE_TIMEOUT")) return true;
  throw error;
}
