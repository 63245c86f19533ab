import { InvalidMessageError } from "../../../traits/errors.ts";
import { MessageHeaders } from "../../../traits/headers.ts";
import type { ClientHeaders } from "../client.ts";

/** The server acts on headers with these names. They are options here, and never pass as headers. */
const reservedPrefix = "Nats-";

/** "NATS/1.0", the end of that line, and the empty line at the end. */
const frameBytes = 12;

/**
 * Refuses what the clients would change: names are printable ASCII, values are text without space around them. Returns
 * the size on the wire in bytes, 0 without headers.
 */
export function checkHeaders(topic: string, headers: MessageHeaders): number {
  if (headers.size === 0) return 0;
  let bytes = frameBytes;
  for (const [name, value] of headers) {
    const fault = headerFault(name, String(value));
    if (fault !== undefined) {
      throw new InvalidMessageError({ topic, reason: `the header ${JSON.stringify(name)} ${fault}` });
    }
    bytes += name.length + 2 + Buffer.byteLength(String(value)) + 2;
  }
  return bytes;
}

/** Why a header cannot travel as it is, as the end of a sentence. */
export function headerFault(name: string, value: string): string | undefined {
  if (!/^[!-9;-~]+$/.test(name)) return "has a name that is not printable ASCII without space";
  if (name.startsWith(reservedPrefix)) {
    return `is for the server to act on, as all that begin with "${reservedPrefix}"; there are options for that`;
  }
  return value.trim() === value ? undefined : "has space around its value, which would be cut off";
}

/**
 * Headers as the client has them. It collects by exact name: a name that occurs again in other letters takes those of
 * its first occurrence, so that its values keep their order.
 */
export function toClient(
  headers: MessageHeaders,
  reserved: readonly (readonly [name: string, value: string])[],
  make: () => ClientHeaders,
): ClientHeaders | undefined {
  if (headers.size === 0 && reserved.length === 0) return undefined;
  const made = make();
  const spelling = new Map<string, string>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    const first = spelling.get(folded) ?? name;
    spelling.set(folded, first);
    made.append(first, String(value));
  }
  for (const [name, value] of reserved) made.append(name, value);
  return made;
}

/** Separates the headers of the publisher from those of the server. */
export function fromClient(given: ClientHeaders | undefined): {
  readonly headers: MessageHeaders;
  readonly reserved: MessageHeaders;
} {
  if (given === undefined) return { headers: MessageHeaders.empty, reserved: MessageHeaders.empty };
  const own: [string, string][] = [];
  const server: [string, string][] = [];
  for (const [name, values] of given) {
    const entries = name.startsWith(reservedPrefix) ? server : own;
    for (const value of values) entries.push([name, value]);
  }
  return { headers: MessageHeaders.from(own), reserved: MessageHeaders.from(server) };
}
