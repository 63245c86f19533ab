import { ConnectFailedError } from "../../traits/errors.ts";

/**
 * Loads the client of a broker, which is an optional peer dependency. If it is missing, it rejects with
 * `ConnectFailedError`, which names `install` for `npm install`.
 */
export async function loadClient<T>(
  broker: string,
  install: string,
  load: () => Promise<T & { readonly default?: unknown }>,
): Promise<T> {
  try {
    const module = await load();
    // Node exports only some names of a CommonJS package. Its default export is the whole package.
    return { ...module, ...(module.default as T | undefined) };
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    const reason = missing
      ? `its client is not installed; run: npm install ${install}`
      : `its client could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new ConnectFailedError({ broker, reason, retryable: false, cause });
  }
}
