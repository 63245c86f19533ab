import { InvalidArgumentError } from "../../../traits/errors.ts";

/** Reply inboxes live under this prefix and nothing else does; no pattern matches them. */
export const inboxPrefix = "_inbox.";

/** Whether one of the dot-separated tokens is `*` or `>`. */
export function hasWildcard(topic: string): boolean {
  if (!topic.includes("*") && !topic.includes(">")) return false;
  return topic.split(".").some((token) => token === "*" || token === ">");
}

/** A dot-separated pattern: `*` stands for any one token, `>` at the end for one or more. */
export class Pattern {
  readonly text: string;
  readonly #tokens: readonly string[];
  /** Whether the last token was `>`, which `#tokens` does not hold. */
  readonly #open: boolean;

  constructor(argument: string, text: string) {
    const tokens = text.split(".");
    const open = tokens.at(-1) === ">";
    if (open) tokens.pop();
    if (tokens.includes(">")) {
      throw new InvalidArgumentError({
        argument,
        expected: 'a pattern with ">" only at its end',
        received: text,
      });
    }
    this.text = text;
    this.#tokens = tokens;
    this.#open = open;
  }

  matches(topic: string): boolean {
    if (topic.startsWith(inboxPrefix)) return false;
    const tokens = topic.split(".");
    const fits = this.#open ? tokens.length > this.#tokens.length : tokens.length === this.#tokens.length;
    return fits && this.#tokens.every((token, index) => token === "*" || token === tokens[index]);
  }
}
