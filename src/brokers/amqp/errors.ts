import { ConnectFailedError, PublishFailedError, SubscriptionFailedError } from "../../traits/errors.ts";
import type { Secrets } from "../shared/secrets.ts";

/** The address that was tried. */
export interface TriedAddress {
  readonly protocol: "amqp" | "amqps";
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
}

/** What the client or the server says was wrong. */
export interface Fault {
  /** The reply code of the protocol (403, 404, 405, 406...), or Node's ("ECONNREFUSED"). */
  readonly code: number | string | undefined;
  /** The end of a sentence. */
  readonly text: string;
}

export function readFault(error: unknown): Fault {
  if (!(error instanceof Error)) return { code: undefined, text: String(error) };
  const { code } = error as { code?: unknown };
  const said = /(?:^|[:;] )(\d{3}) \([A-Z-]+\) with message "(.*)"$/s.exec(error.message);
  const number = typeof code === "number" || typeof code === "string" ? code : undefined;
  const text = (said?.[2] ?? error.message)
    .replace(/^[A-Z_]+ - /, "")
    .replace(/ for user '[^']*'/, " for this user");
  return { code: number ?? (said ? Number(said[1]) : undefined), text: text.replace(/[.\s]+$/, "") };
}

/** `host:port`, without a credential. */
export function showAddress({ host, port }: Pick<TriedAddress, "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

const untrusted = "its certificate is not trusted; give the one of its issuer in tls.ca";
const noTls = "it does not speak TLS; use amqp: in place of amqps:, or its TLS port";

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; check the address, and that the server is up",
  ENOTFOUND: "the host name is not known; check the address",
  EAI_AGAIN: "the host name could not be looked up; check the address, and the name service",
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  EPROTO: noTls,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: "its certificate has expired; renew it on the server",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another host name; connect by that name, or give it in tls.servername",
};

const temporary = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

/** Why `connect()` did not get through to one address. */
export function connectFailure(
  broker: string,
  address: TriedAddress,
  error: unknown,
  secrets: Secrets,
): ConnectFailedError {
  const fault = readFault(error);
  const { reason, retryable } = explain(fault, address);
  return new ConnectFailedError({
    broker,
    reason: secrets.clean(`${showAddress(address)}: ${reason}`),
    retryable,
    cause: scrub(error, secrets),
  });
}

function explain({ code, text }: Fault, address: TriedAddress): { reason: string; retryable: boolean } {
  const known = typeof code === "string" ? words[code] : undefined;
  if (known !== undefined) return { reason: known, retryable: temporary.has(String(code)) };
  if (code === 403) {
    const reason = "it refused the user name or the password; check both, percent-encoded, in the URL";
    return { reason, retryable: false };
  }
  // The client does not hand on what the server said to this one.
  if (text.includes("Expected ConnectionOpenOk") || /vhost .* not found|access to vhost/i.test(text)) {
    const vhost = JSON.stringify(address.vhost);
    const reason = `it has no virtual host ${vhost}, or this user may not use it; create it, or grant it to the user`;
    return { reason, retryable: false };
  }
  if (text.startsWith("Socket closed abruptly") || code === "ECONNRESET" || code === "EPIPE") {
    const hint =
      address.protocol === "amqp"
        ? "if it expects TLS, use an amqps: URL"
        : "if it expects no TLS, use an amqp: URL";
    return { reason: `it closed the connection in the handshake; ${hint}`, retryable: true };
  }
  if (/^(Invalid frame|Unknown frame type|Frame size|Expected ConnectionStart)/.test(text)) {
    return {
      reason: "what answers there does not speak AMQP 0-9-1; check the host and the port",
      retryable: false,
    };
  }
  return { reason: text, retryable: true };
}

/** Why a channel was closed, or refused something, with what to do. `final`: another attempt would change nothing. */
export function channelFault(error: unknown): { readonly reason: string; readonly final: boolean } {
  const { code, text } = readFault(error);
  const absent = /^no (queue|exchange) '([^']*)'/.exec(text);
  if (code === 404 && absent) {
    const [, kind, name] = absent;
    const remedy =
      kind === "queue"
        ? "subscribe with create: true, or create it first"
        : "name it in the topology of the broker, or create it first";
    return { reason: `the ${kind} ${JSON.stringify(name)} does not exist; ${remedy}`, final: true };
  }
  if (text.includes("inequivalent arg")) {
    const reason = `it exists with other settings (${text}); declare it with those, or delete it first`;
    return { reason, final: true };
  }
  if (text.includes("in exclusive use") || code === 405) {
    const reason = `another consumer or connection uses it exclusively (${text}); close that one first`;
    return { reason, final: false };
  }
  if (code === 403) {
    const reason = `the server refuses it (${text}); grant the user that permission, as by rabbitmqctl set_permissions`;
    return { reason, final: true };
  }
  if (text.startsWith("unknown exchange type")) {
    return { reason: `${text}; name one the server has, or enable the plugin that has it`, final: true };
  }
  if (code === 406 && text.includes("delivery acknowledgement")) {
    return { reason: `a delivery was not settled in the time the server allows: ${text}`, final: false };
  }
  return { reason: text, final: code === 406 || code === 540 };
}

/** Whether the server ended a whole connection for something a client did on it. */
export function isProtocolFault(error: unknown): boolean {
  const { code } = readFault(error);
  return typeof code === "number" && code > 500 && code !== 541;
}

export function subscriptionFailure(
  topic: string,
  error: unknown,
  secrets: Secrets,
): SubscriptionFailedError {
  const { reason } = channelFault(error);
  return new SubscriptionFailedError({ topic, reason: secrets.clean(reason), cause: scrub(error, secrets) });
}

/** No queue takes what is published there: the answer to a publish, and to the question whether one would. */
export function unroutable(topic: string, exchange: string, routingKey: string): PublishFailedError {
  const reason =
    exchange === ""
      ? `there is no queue ${JSON.stringify(routingKey)}; create it first, as a source with create: true does, or publish with mandatory: false`
      : `no queue is bound to the exchange ${JSON.stringify(exchange)} for the routing key ${JSON.stringify(routingKey)}; bind one first, or publish with mandatory: false`;
  return new PublishFailedError({ topic, reason, retryable: false });
}

export function publishFailure(topic: string, error: unknown, secrets: Secrets): PublishFailedError {
  const { reason, final } = channelFault(error);
  return new PublishFailedError({
    topic,
    reason: secrets.clean(reason),
    retryable: !final,
    cause: scrub(error, secrets),
  });
}

/** The error as a cause, without the user's name and password. */
export function scrub(error: unknown, secrets: Secrets): unknown {
  const cleaned = secrets.cause(error);
  if (!(cleaned instanceof Error) || !/for user '/.test(cleaned.message)) return cleaned;
  const copy = new Error(cleaned.message.replace(/ for user '[^']*'/, " for this user"));
  copy.name = cleaned.name;
  return copy;
}
