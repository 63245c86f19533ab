/** An encoded login, a host, a port where there is one, and then the path: an "@" in the path is no part of a login. */
const wholeLogin = /^[^@/#?]*@(?:\[[\da-f:.]+\]|[a-z\d][a-z\d.-]*)(?::\d+)?\/[^/#?]*(?:\?[^@]*)?$/i;

/**
 * What is wrong with the login of a URL, without a character of it; `undefined` where nothing is. A `/`, `#`, `?` or `@`
 * that is not percent-encoded ends the login early, and the rest of a password is then taken for the host.
 */
export function unencodedLogin(url: string): string | undefined {
  const rest = url.replace(/^[a-z][a-z\d+.-]*:\/\//i, "");
  const end = rest.lastIndexOf("@");
  if (end === -1 || !/[@/#?]/.test(rest.slice(0, end)) || wholeLogin.test(rest)) return undefined;
  return 'a login that is not percent-encoded: write "@" as %40, "/" as %2F, "#" as %23 and "?" as %3F';
}
