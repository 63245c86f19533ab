import { InvalidArgumentError } from "../../../traits/errors.ts";
import { hasUnencodedLogin, loginEncoding } from "../../shared/unencoded-login.ts";
import type { NatsOptions } from "../options.ts";

/** Where to connect to, and as whom, taken apart. */
export interface Address {
  /** `host:port` each, without credentials. */
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** One of the URLs says `tls:`, so a connection without it is refused. */
  readonly tls: boolean;
}

const defaultServer = "nats://127.0.0.1:4222";

/**
 * Reads URLs as `nats://user:password@host:4222`, `nats://token@host`, `tls://host`, or `host:port` alone. The
 * clients read host and port only, so they would ignore credentials and `tls:`.
 */
export function readServers(given: string | readonly string[] | undefined): Address {
  const texts = typeof given === "string" ? given.split(",") : (given ?? [defaultServer]);
  if (!Array.isArray(texts) || texts.length === 0)
    throw refused("a URL, or a list of them with one at least");
  checkCommas(typeof given === "string" ? texts : []);
  const urls = texts.map(readUrl);
  const logins = new Map(urls.filter(({ username }) => username !== "").map((url) => [loginOf(url), url]));
  if (logins.size > 1) throw refused("URLs with the same credentials: one connection has one login");
  const [login] = logins.values();
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port === "" ? "4222" : port}`),
    tls: urls.some(({ protocol }) => protocol === "tls:"),
    ...credentialsOf(login),
  };
}

/** A comma in a password would end its URL there, and the rest would be taken for another server. */
function checkCommas(texts: readonly string[]): void {
  texts.slice(1).forEach((text, index) => {
    const before = texts.slice(0, index + 1);
    const isRest = text.includes("@") && !text.includes("://") && before.some((one) => one.includes("://"));
    if (isRest && !before.some((one) => one.includes("@")))
      throw refused("a URL with a percent-encoded login: the comma in it is %2C");
  });
}

function readUrl(text: unknown): URL {
  if (typeof text !== "string" || text.trim() === "") throw refused("a URL such as nats://127.0.0.1:4222");
  const trimmed = text.trim();
  if (hasUnencodedLogin(trimmed)) throw refused(`a URL with ${loginEncoding}`);
  const [, port] = /:(\d+)\/?$/.exec(trimmed) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    throw refused("a URL with a port from 1 to 65535");
  const whole = /^[a-z]+:\/\//i.test(trimmed) ? trimmed : `nats://${trimmed}`;
  if (!URL.canParse(whole)) throw refused("a URL such as nats://127.0.0.1:4222");
  const url = new URL(whole);
  if (url.protocol !== "nats:" && url.protocol !== "tls:")
    throw refused("a URL that begins with nats:// or tls://");
  if (url.hostname === "") throw refused("a URL with a host name");
  return url;
}

function loginOf({ username, password }: URL): string {
  return `${username}:${password}`;
}

function credentialsOf(url: URL | undefined): Partial<Address> {
  if (url === undefined) return {};
  const user = decode(url.username);
  return url.password === "" ? { token: user } : { user, password: decode(url.password) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused("a URL in which every % of the credentials is written %25");
  }
}

function refused(expected: string): InvalidArgumentError {
  const received = "(not shown: it may hold a password)";
  return new InvalidArgumentError({ argument: "options.servers", expected, received });
}

/** The options `user`, `password` and `token` win over the URL. */
export function addressOf(options: NatsOptions): Address {
  const address = readServers(options.servers);
  const { user, password, token } = options;
  for (const [name, value] of Object.entries({ user, password, token })) {
    if (value !== undefined && typeof value !== "string") {
      throw new InvalidArgumentError({
        argument: `options.${name}`,
        expected: "a string",
        received: typeof value,
      });
    }
  }
  return {
    ...address,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token }),
  };
}
