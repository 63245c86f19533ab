/** A refusal by the JetStream API, or of a stream. The cause of our errors, for those who look at the numbers. */
export class JetStreamApiError extends Error {
  /** As in HTTP; 503 where nobody answers. */
  readonly status: number;
  /** The server's own number for it, 10_000 and up; 0 where nobody answers. */
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
