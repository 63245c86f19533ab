/** What the JetStream API or a stream answered when it refused. It is the `cause` of tidelane's own error. */
export class JetStreamApiError extends Error {
  /** The status, as in HTTP; 503 if nobody answered. */
  readonly status: number;
  /** The server's own number for the error, 10_000 and up; 0 if nobody answered. */
  readonly errorCode: number;

  constructor(facts: { status: number; errorCode: number; description: string }) {
    super(facts.description);
    this.name = "JetStreamApiError";
    this.status = facts.status;
    this.errorCode = facts.errorCode;
  }
}

/** Numbers of the JetStream API that are looked at here. */
export const apiErrors = {
  consumerNotFound: 10_014,
  consumerExists: 10_148,
  messageNotFound: 10_037,
  streamNameInUse: 10_058,
  streamNotFound: 10_059,
  subjectsOverlap: 10_065,
} as const;

export function isApiError(error: unknown, ...codes: readonly number[]): error is JetStreamApiError {
  return error instanceof JetStreamApiError && codes.includes(error.errorCode);
}
