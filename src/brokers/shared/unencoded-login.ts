/** What to do about it. It names no part of the URL. */
export const loginEncoding: string = "a percent-encoded login: @ is %40, / is %2F, # is %23 and ? is %3F";

/**
 * Whether a `/`, `#`, `?` or `@` in the login is not percent-encoded. It would end the login early, so that the
 * rest of a password would look like the host. An `@` in the path looks the same, so it must be encoded too.
 */
export function hasUnencodedLogin(url: string): boolean {
  const rest = url.replace(/^[a-z][a-z\d+.-]*:\/\//i, "");
  const end = rest.lastIndexOf("@");
  return end !== -1 && /[@/#?]/.test(rest.slice(0, end));
}
