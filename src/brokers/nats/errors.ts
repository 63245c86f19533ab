import { ConnectFailedError } from "../../traits/errors.ts";
import type { Secrets } from "../shared/secrets.ts";

/** Why a request got no answer. It stays inside the adapter, which makes a tidelane error of it for the user. */
export class RequestFault extends Error {
  /** "refused": no permission. "lost": the connection, after it was sent. */
  readonly kind: "no-responders" | "refused" | "lost";

  constructor(kind: RequestFault["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "RequestFault";
    this.kind = kind;
  }
}

/** The fields of errors of the clients and of Node that are read here. */
interface ClientError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
}

const untrusted = "the certificate of the server is not trusted; give its issuer in tls.ca or tls.caFile";
const noTls =
  "TLS is asked for, and the server does not offer it; leave tls out here, or configure it at the server";
const refused = "the server refused the credentials; are user and password, or the token, given and right?";
const expired = "the credentials have expired; get new ones";

/** By code (of `nats` 2.29, and of Node) or by name (of `@nats-io/nats-core` 3.4). */
const words: Readonly<Record<string, string>> = {
  CONNECTION_REFUSED: "nothing listens there; check the port, and that the server is up",
  ECONNREFUSED: "nothing listens there; check the port, and that the server is up",
  TIMEOUT: "no NATS server answered in time; check the host and the port",
  TimeoutError: "no NATS server answered in time; check the host and the port",
  ENOTFOUND: "there is no such host; is its name right?",
  EAI_AGAIN: "there is no such host; is its name right?",
  EHOSTUNREACH: "no way leads to that host; check its address, and the network",
  ENETUNREACH: "no way leads to that host; check its address, and the network",
  ETIMEDOUT: "no NATS server answered in time; check the host and the port",
  ECONNRESET: "the server closed the connection; is it a NATS server, and does it want TLS?",
  AUTHORIZATION_VIOLATION: refused,
  AUTHENTICATION_TIMEOUT: refused,
  AUTHENTICATION_EXPIRED: expired,
  ACCOUNT_EXPIRED: expired,
  BAD_AUTHENTICATION: refused,
  BAD_CREDS: "what is given as a credentials file is none",
  AuthorizationError: refused,
  UserAuthenticationExpiredError: expired,
  SERVER_OPT_NA: noTls,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: "the certificate of the server has expired; renew it there",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the certificate of the server is for another host name; connect by a name it has",
};

/** A retry may help with these. The name of a server that is still starting may not be known yet. */
const passing = new Set([
  "CONNECTION_REFUSED",
  "ECONNREFUSED",
  "TIMEOUT",
  "TimeoutError",
  "ECONNRESET",
  "EAI_AGAIN",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "AUTHENTICATION_TIMEOUT",
]);

/** `where`: the `host:port`s that were tried. */
export function connectError(
  broker: string,
  where: string,
  error: unknown,
  secrets: Secrets,
): ConnectFailedError {
  const chain = chainOf(error);
  const key = chain.flatMap(({ code, name }) => [String(code), name]).findLast((one) => one in words);
  const [{ message } = { message: "the server ended the connection" }] = chain.toReversed();
  const known = key === undefined ? textual(message) : words[key];
  return new ConnectFailedError({
    broker,
    reason: secrets.clean(`${known ?? tail(message)} (${where})`),
    retryable: passing.has(key ?? "") || [words["CONNECTION_REFUSED"], words["ECONNRESET"]].includes(known),
    cause: secrets.cause(error),
  });
}

/** An error, and what it wraps: 2.29 has that in `chainedError`. */
function chainOf(error: unknown): readonly ClientError[] {
  const chain: Error[] = [];
  for (let next = error; next instanceof Error && chain.length < 8; ) {
    chain.push(next);
    const { chainedError } = next as { chainedError?: unknown };
    next = chainedError ?? next.cause;
  }
  return chain;
}

function textual(message: string): string | undefined {
  if (/connection refused/i.test(message)) return words["CONNECTION_REFUSED"];
  if (/does not support 'tls'/.test(message)) return noTls;
  if (/undefined error/.test(message)) return words["ECONNRESET"];
  return /unexpected response from server/.test(message)
    ? "what answers there is no NATS server; is that its port?"
    : undefined;
}

/** A message without the full stop of its own. */
function tail(message: string): string {
  return message.replace(/[.\s]+$/, "");
}

export function textOf(error: unknown): string {
  return tail(error instanceof Error ? error.message : String(error));
}

/** Who may not do what, read from an error status or an error of either client; undefined for any other error. */
export function permissionOf(
  from: unknown,
): { readonly operation: string; readonly subject: string } | undefined {
  if (typeof from !== "object" || from === null) return undefined;
  const { permissionContext, error } = from as { permissionContext?: unknown; error?: unknown };
  const found = (permissionContext ?? error ?? from) as { operation?: unknown; subject?: unknown };
  const { operation, subject } = found;
  return typeof operation === "string" && typeof subject === "string" ? { operation, subject } : undefined;
}
