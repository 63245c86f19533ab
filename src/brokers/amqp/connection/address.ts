import { InvalidArgumentError } from "../../../traits/errors.ts";
import { hasUnencodedLogin, loginEncoding } from "../../shared/unencoded-login.ts";

/** One server, as its URL says it. */
export interface Address {
  readonly protocol: "amqp" | "amqps";
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  /** Seconds. */
  readonly heartbeat: number | undefined;
  readonly frameMax: number | undefined;
  readonly channelMax: number | undefined;
}

const expected =
  "amqp://user:password@host:port/vhost, or amqps: for TLS, with special characters percent-encoded";

/** Reads `amqp://user:password@host:port/vhost?heartbeat=10`. What is wrong is told without showing the URL. */
export function parseAddress(argument: string, url: unknown): Address {
  const parsed = parse(argument, url);
  const protocol = parsed.protocol.slice(0, -1);
  if (protocol !== "amqp" && protocol !== "amqps") throw refuse(argument, `the protocol ${protocol}`);
  if (parsed.hostname === "") throw refuse(argument, "no host name");
  const path = parsed.pathname.slice(1);
  if (path.includes("/")) throw refuse(argument, "a virtual host with a slash that is not encoded as %2F");
  const login = parsed.username !== "" || parsed.password !== "";
  return {
    protocol,
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? (protocol === "amqp" ? 5672 : 5671) : Number(parsed.port),
    vhost: path === "" ? "/" : decode(argument, path),
    username: login ? decode(argument, parsed.username) : "guest",
    password: login ? decode(argument, parsed.password) : "guest",
    ...readParameters(argument, parsed.searchParams),
  };
}

function parse(argument: string, url: unknown): URL {
  if (typeof url !== "string") throw new InvalidArgumentError({ argument, expected, received: typeof url });
  if (hasUnencodedLogin(url)) {
    const received = "(not shown: a part of it may be the password)";
    throw new InvalidArgumentError({ argument, expected: `a URL with ${loginEncoding}`, received });
  }
  const port = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#]*@)?[^/?#@]*:(\d+)(?:[/?#]|$)/i.exec(url)?.[1];
  if (port !== undefined && (Number(port) > 65_535 || Number(port) === 0)) {
    throw refuse(argument, `the port ${port}, which is not between 1 and 65535`);
  }
  try {
    return new URL(url);
  } catch {
    throw refuse(argument, "a part that does not parse");
  }
}

function decode(argument: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse(argument, "a percent sign that begins no encoded character");
  }
}

type Parameters = Pick<Address, "heartbeat" | "frameMax" | "channelMax">;

function readParameters(argument: string, parameters: URLSearchParams): Parameters {
  const found = { heartbeat: undefined, frameMax: undefined, channelMax: undefined };
  for (const [name, value] of parameters) {
    if (!(name in found)) throw refuse(argument, "a parameter other than heartbeat, frameMax and channelMax");
    if (!/^\d{1,9}$/.test(value)) throw refuse(argument, `a ${name} that is no whole number`);
    Object.assign(found, { [name]: Number(value) });
  }
  return found;
}

/** The URL itself is never shown: it may hold the password. */
function refuse(argument: string, found: string): InvalidArgumentError {
  return new InvalidArgumentError({ argument, expected, received: `a URL with ${found}` });
}
