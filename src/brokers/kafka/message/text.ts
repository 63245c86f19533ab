// Without ignoreBOM, a text that begins with U+FEFF would lose it.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const breaksHeader = /[\r\n\0]/;

/** The text these bytes are in UTF-8; undefined if they are something else. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A header value as `MessageHeaders` holds it: text where it can be sent again as text, else the bytes. */
export function headerValueOf(value: Buffer | string): string | Uint8Array {
  const text = typeof value === "string" ? value : utf8Of(value);
  return text === undefined || breaksHeader.test(text) ? new Uint8Array(Buffer.from(value as Buffer)) : text;
}

/**
 * A record key as text. One that is not UTF-8 becomes "0x" and its bytes in hexadecimal, so that different keys stay
 * different.
 */
export function keyText(key: Buffer): string {
  return utf8Of(key) ?? `0x${key.toString("hex")}`;
}
