/** What a consumer's process is told, in the environment variable of `siteVariable`. */
export interface Site {
  /** URL of the server. */
  readonly address: string;
  readonly queue: string;
  readonly deadQueue: string;
  readonly journal: string;
  /** Handlers at once. */
  readonly workers: number;
  /** Attempts in all, for a message that fails. */
  readonly attempts: number;
}

export const siteVariable = "COMPARE_SITE";

export function readSite(): Site {
  return JSON.parse(process.env[siteVariable] ?? "null");
}
