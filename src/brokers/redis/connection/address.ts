import { InvalidArgumentError } from "../../../traits/errors.ts";
import { hasUnencodedLogin, loginEncoding } from "../../shared/unencoded-login.ts";

/** One server, as its URL says it. */
export interface Address {
  readonly protocol: "redis" | "rediss";
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const expected =
  "redis://user:password@host:port/database, or rediss: for TLS, with special characters percent-encoded";

/** Reads it. What is wrong is told without showing the URL. */
export function parseAddress(argument: string, url: unknown): Address {
  const parsed = parse(argument, url);
  const protocol = parsed.protocol.slice(0, -1);
  if (protocol !== "redis" && protocol !== "rediss") throw refuse(argument, `the protocol ${protocol}`);
  if (parsed.hostname === "") throw refuse(argument, "no host name");
  const database = /^\/?(\d{0,5})$/.exec(parsed.pathname)?.[1];
  if (database === undefined) throw refuse(argument, "a database that is no number");
  if (parsed.search !== "") throw refuse(argument, "parameters, which it has none of");
  return {
    protocol,
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? 6379 : Number(parsed.port),
    database: Number(database),
    username: parsed.username === "" ? undefined : decode(argument, parsed.username),
    password: parsed.password === "" ? undefined : decode(argument, parsed.password),
  };
}

/** The address as the client takes it, which gets the login on its own. */
export function urlOf({ protocol, host, port, database }: Address): string {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}/${database}`;
}

function parse(argument: string, url: unknown): URL {
  if (typeof url !== "string") throw new InvalidArgumentError({ argument, expected, received: typeof url });
  if (hasUnencodedLogin(url)) {
    const received = "(not shown: a part of it may be the password)";
    throw new InvalidArgumentError({ argument, expected: `a URL with ${loginEncoding}`, received });
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

/** The URL itself is never shown: it may hold the password. */
function refuse(argument: string, found: string): InvalidArgumentError {
  return new InvalidArgumentError({ argument, expected, received: `a URL with ${found}` });
}
