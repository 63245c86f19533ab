import { afterAll, describe, it } from "vitest";
import { ServerUnavailableError } from "../../scripts/brokers/errors.ts";
import type { ServerKind, ServerOptions } from "../../scripts/brokers/recipe.ts";
import type { Server } from "../../scripts/brokers/server.ts";
import { sharedServer, startServer } from "../../scripts/brokers/servers.ts";

export interface LiveOptions extends ServerOptions {
  /** A server for this suite alone, which it may kill; removed after it. Default: the one all suites share. */
  readonly own?: boolean;
}

/**
 * A suite that needs a server. To be awaited at the top of a test file. Where the server cannot be had the suite
 * is left out with one line that says how to get it; with `CI=true` that is a failure.
 */
export async function describeLive(
  kind: ServerKind,
  title: string,
  body: (server: Server) => void,
  { own = false, ...options }: LiveOptions = {},
): Promise<void> {
  const server = await (own ? startServer(kind, options) : sharedServer(kind)).catch((error: unknown) => {
    // An old server is wanted where there is one; no machine has to have it.
    const isWanted = process.env["CI"] === "true" && options.old !== true;
    if (error instanceof ServerUnavailableError && !isWanted) return error.message;
    throw error;
  });
  if (typeof server === "string") {
    console.log(`left out: ${title}. ${server}`);
    describe.skip(title, () => {
      it(server, () => {});
    });
    return;
  }
  describe(title, () => {
    if (own) afterAll(() => server.remove());
    body(server);
  });
}
