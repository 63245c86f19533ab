import { type DecodeIssue, reasonWithIssues } from "../decode-issue.ts";
import { TidelaneError } from "./tidelane-error.ts";

/** The transport cannot carry the message exactly, or its channel refuses it. Nothing was sent. */
export class InvalidMessageError extends TidelaneError {
  readonly code = "TIDELANE_INVALID_MESSAGE";
  declare readonly topic: string;
  declare readonly reason: string;
  /** What the schema of its channel found wrong; empty if it was something else. */
  declare readonly issues: readonly DecodeIssue[];

  constructor(facts: { topic: string; reason: string; issues?: readonly DecodeIssue[]; cause?: unknown }) {
    const issues = facts.issues ?? [];
    const shown = reasonWithIssues(facts.reason, issues);
    super(`The message for ${JSON.stringify(facts.topic)} was not sent: ${shown}.`, { ...facts, issues });
  }
}

/** The broker did not confirm the message. It may have it all the same. */
export class PublishFailedError extends TidelaneError {
  readonly code = "TIDELANE_PUBLISH_FAILED";
  declare readonly retryable: boolean;
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; retryable: boolean; cause?: unknown }) {
    super(`The message for ${JSON.stringify(facts.topic)} was not confirmed: ${facts.reason}.`, facts);
  }
}

/** The transaction failed, or was misused. Nothing of it is visible. */
export class TransactionError extends TidelaneError {
  readonly code = "TIDELANE_TRANSACTION";
  declare readonly reason: string;

  constructor(facts: { reason: string; cause?: unknown }) {
    super(`The transaction did not commit: ${facts.reason}.`, facts);
  }
}

/** The responder of a request answered with an error. */
export class RemoteError extends TidelaneError {
  readonly code = "TIDELANE_REMOTE";
  declare readonly topic: string;
  /** The `code` of the error at the responder; "ERROR" if it had none. */
  declare readonly remoteCode: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; remoteCode: string; reason: string }) {
    super(`The responder of "${facts.topic}" failed with ${facts.remoteCode}: ${facts.reason}.`, facts);
  }
}
