/** What to do about it; names no part of the URL. */
export const loginEncoding: string = "a percent-encoded login: @ is %40, / is %2F, # is %23 and ? is %3F";

/**
 * Whether a `/`, `#`, `?` or `@` of the login is not percent-encoded: it ends the login early, and the rest of a password is
 * then taken for the host. An `@` in a path looks the same, so it has to be encoded too.
 */
export function hasUnencodedLogin(url: string): boolean {
  const rest = url.replace(/^[a-z][a-z\d+.-]*:\/\//i, "");
  const end = rest.lastIndexOf("@");
  return end !== -1 && /[@/#?]/.test(rest.slice(0, end));
}
