import { ConnectFailedError } from "../../../traits/errors.ts";
import type { CoreConnection } from "../../nats/connection/core-connection.ts";
import { textOf } from "../../nats/errors.ts";
import { type ApiSettings, JetStreamApi } from "../client.ts";
import { JetStreamApiError } from "../errors.ts";

/** Rejects with `ConnectFailedError` where the server is too old, or JetStream does not answer. */
export async function checkServer(
  connection: CoreConnection,
  settings: ApiSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { broker, version } = connection.server;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (version !== "" && (major < 2 || (major === 2 && minor < 9))) {
    const reason = `the server is ${version}, and tidelane supports 2.10 and later; update the server`;
    throw new ConnectFailedError({ broker, reason, retryable: false });
  }
  try {
    await new JetStreamApi(connection, settings).call("INFO", undefined, signal);
  } catch (error) {
    if (signal?.aborted || connection.server.over) throw error;
    // Who has no permission for this call may have it for those that matter.
    if (!(error instanceof JetStreamApiError)) return;
    // JetStream starts after its server does, and a cluster may have no leader for a moment.
    const retryable = error.status >= 503;
    throw new ConnectFailedError({ broker, reason: textOf(error), retryable, cause: error });
  }
}
