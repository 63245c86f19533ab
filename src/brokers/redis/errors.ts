import { ConnectFailedError, PublishFailedError, SubscriptionFailedError } from "../../traits/errors.ts";
import type { Secrets } from "../shared/secrets.ts";

/** What the client or the server says was wrong. */
export interface Fault {
  /** The first word of the server's answer ("NOGROUP", "WRONGTYPE"), or Node's code ("ECONNREFUSED"). */
  readonly code: string | undefined;
  /** The end of a sentence. */
  readonly text: string;
  /** The server answered. Otherwise the connection was lost, and nobody knows what became of the call. */
  readonly answered: boolean;
}

export function readFault(error: unknown): Fault {
  if (!(error instanceof Error)) return { code: undefined, text: String(error), answered: false };
  const { code } = error as { code?: unknown };
  const text = error.message.replace(/[.\s]+$/, "");
  if (typeof code === "string") return { code, text, answered: false };
  // The client's own errors have classes; what the server says is the text of its reply.
  const word = /^[A-Z]{3,}(?= )/.exec(error.message)?.[0];
  return { code: word, text, answered: word !== undefined };
}

/** The server refuses for now: it loads its file, is no longer the primary, or runs a script of somebody else. */
const passing = new Set([
  "LOADING",
  "READONLY",
  "MASTERDOWN",
  "BUSY",
  "TRYAGAIN",
  "CLUSTERDOWN",
  "NOREPLICAS",
]);

export function isPassing({ code }: Fault): boolean {
  return code !== undefined && passing.has(code);
}

/** `host:port`, without a credential. */
export function showAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

const untrusted = "its certificate is not trusted; give the one of its issuer in tls.ca";

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; check the address, and that the server is up",
  ENOTFOUND: "the host name is not known; check the address",
  EAI_AGAIN: "the host name could not be looked up; check the address, and the name service",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS; use redis: in place of rediss:, or its TLS port",
  EPROTO: "it does not speak TLS; use redis: in place of rediss:, or its TLS port",
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: "its certificate has expired; renew it on the server",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another host name; connect by that name, or give it in tls.servername",
  WRONGPASS: "it refused the user name or the password; check both, percent-encoded, in the URL",
  NOAUTH: "it wants a user name and a password; give both in the URL",
  NOPERM: "this user may not do what tidelane needs; grant it by ACL SETUSER",
};

const temporary = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

/** Why `connect()` did not get through. */
export function connectFailure(
  broker: string,
  address: { readonly host: string; readonly port: number; readonly database: number },
  error: unknown,
  secrets: Secrets,
): ConnectFailedError {
  const { reason, retryable } = explain(readFault(error), address.database);
  return new ConnectFailedError({
    broker,
    reason: secrets.clean(`${showAddress(address)}: ${reason}`),
    retryable,
    cause: secrets.cause(error),
  });
}

function explain({ code, text, answered }: Fault, database: number): { reason: string; retryable: boolean } {
  if (code !== undefined && words[code] !== undefined)
    return { reason: words[code], retryable: temporary.has(code) };
  if (/DB index is out of range/.test(text)) {
    return {
      reason: `it has no database ${database}; name one it has at the end of the URL`,
      retryable: false,
    };
  }
  if (/^ERR AUTH .*without any password/.test(text)) {
    const reason = "it has no password and was given one; leave it out of the URL";
    return { reason, retryable: false };
  }
  if (/^Cannot parse|Unknown RESP type/i.test(text)) {
    return { reason: "what answers there is no Redis; check the host and the port", retryable: false };
  }
  if (code === "ECONNRESET" || code === "EPIPE" || /closed unexpectedly/i.test(text)) {
    const reason = "it closed the connection in the handshake; if it expects TLS, use a rediss: URL";
    return { reason, retryable: true };
  }
  return { reason: text, retryable: !answered || code === "LOADING" || code === "BUSY" };
}

/** What the server refused, with what to do. `final`: another try would change nothing. */
export function streamFault(
  stream: string,
  error: unknown,
): { readonly reason: string; readonly final: boolean } {
  const fault = readFault(error);
  const name = JSON.stringify(stream);
  switch (fault.code) {
    case "WRONGTYPE":
      return { reason: `the key ${name} holds something else than a stream; use another name`, final: true };
    case "NOGROUP":
      return { reason: `the stream ${name} or its group does not exist; create it first`, final: true };
    case "NOSTREAM":
      return { reason: `${fault.text.replace(/^NOSTREAM /, "")}; create it first`, final: true };
    case "NOPERM":
      return {
        reason: `the server refuses it (${fault.text}); grant the user that by ACL SETUSER`,
        final: true,
      };
    case "OOM":
      return { reason: "the server is out of memory (its maxmemory)", final: false };
    case "MISCONF":
      return { reason: `the server does not write (${fault.text})`, final: false };
    default:
      return { reason: fault.text, final: fault.answered && !isPassing(fault) };
  }
}

export function subscriptionFailure(
  stream: string,
  error: unknown,
  secrets: Secrets,
): SubscriptionFailedError {
  const reason = secrets.clean(streamFault(stream, error).reason);
  return new SubscriptionFailedError({ topic: stream, reason, cause: secrets.cause(error) });
}

export function publishFailure(topic: string, error: unknown, secrets: Secrets): PublishFailedError {
  const { reason, final } = streamFault(topic, error);
  const facts = { topic, reason: secrets.clean(reason), retryable: !final, cause: secrets.cause(error) };
  return new PublishFailedError(facts);
}

/** A publish that may make no stream, to one that is missing. */
export function missingStream(topic: string): PublishFailedError {
  const reason = `there is no stream ${JSON.stringify(topic)}; create it first, or publish with create: true`;
  return new PublishFailedError({ topic, reason, retryable: false });
}
