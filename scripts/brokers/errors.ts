import type { ServerKind } from "./recipe.ts";

/** There is no way to this server on this machine. Its message is the line that says how to get one. */
export class ServerUnavailableError extends Error {
  override readonly name = "ServerUnavailableError";
  readonly kind: ServerKind;
  /** Why not, one for each way. */
  readonly reasons: readonly string[];

  constructor(kind: ServerKind, reasons: readonly string[], advice: string) {
    super(`No ${kind} server here (${reasons.join("; ")}). To have one: ${advice}.`);
    this.kind = kind;
    this.reasons = reasons;
  }
}

/** A server was started and did not become ready. The message ends with the tail of its log. */
export class ServerStartError extends Error {
  override readonly name = "ServerStartError";
}

/** What was asked cannot be done to this server: it is somebody else's, or keeps nothing, or is gone. */
export class ServerRefusedError extends Error {
  override readonly name = "ServerRefusedError";
}
