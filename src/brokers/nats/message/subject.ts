import { checkName } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";

/** A server ends the connection at a line of more than 4,096 bytes. Subject and reply share a line. */
const maxSubjectBytes = 3_000;

const space = /\s/;

/** Whether one of the dot-separated tokens is `*` or `>`. */
function hasWildcard(subject: string): boolean {
  if (!subject.includes("*") && !subject.includes(">")) return false;
  return subject.split(".").some((token) => token === "*" || token === ">");
}

/** The last valid subject. Publishers repeat theirs, and checking one takes 0.2 µs. */
let lastRight = "a";

/** Why this is no subject that can be published to, as the end of a sentence; undefined where it is one. */
export function subjectFault(subject: string): string | undefined {
  if (subject === lastRight) return undefined;
  const fault = findFault(subject);
  if (fault === undefined) lastRight = subject;
  return fault;
}

function findFault(subject: string): string | undefined {
  if (hasWildcard(subject)) return 'a subject to publish to has no wildcard token "*" or ">"';
  return shapeFault(subject);
}

/** A subject to subscribe to. */
export function checkSubject(argument: string, value: unknown, hint = ""): string {
  const subject = checkName(argument, value);
  if (hasWildcard(subject)) {
    const expected = `a subject without the wildcard tokens "*" and ">"${hint}`;
    throw new InvalidArgumentError({ argument, expected, received: subject });
  }
  checkShape(argument, subject);
  return subject;
}

/** A subject in which `*` stands for one token, and `>` at the end for one or more. */
export function checkPattern(argument: string, value: unknown): string {
  const pattern = checkName(argument, value);
  if (pattern.split(".").slice(0, -1).includes(">")) {
    const expected = 'a pattern with ">" only at its end';
    throw new InvalidArgumentError({ argument, expected, received: pattern });
  }
  checkShape(argument, pattern);
  return pattern;
}

/** Whether `pattern` matches all that `other` matches; both may have wildcards. */
export function includes(pattern: string, other: string): boolean {
  const wide = pattern.split(".");
  const narrow = other.split(".");
  for (const [index, token] of wide.entries()) {
    if (token === ">") return narrow.length > index;
    const counterpart = narrow[index];
    if (counterpart === undefined || counterpart === ">") return false;
    if (token !== "*" && token !== counterpart) return false;
  }
  return wide.length === narrow.length;
}

/** Whether there is a subject that both match; both may have wildcards. */
export function overlaps(one: string, other: string): boolean {
  const [first, second] = [one.split("."), other.split(".")];
  for (let index = 0; ; index += 1) {
    const [a, b] = [first[index], second[index]];
    if (a === undefined || b === undefined) return a === b;
    if (a === ">" || b === ">") return true;
    if (a !== b && a !== "*" && b !== "*") return false;
  }
}

function checkShape(argument: string, subject: string): void {
  const fault = shapeFault(subject);
  if (fault === undefined) return;
  throw new InvalidArgumentError({ argument, expected: `a subject; ${fault}`, received: subject });
}

// The server would read what follows a space as the next field of the protocol.
function shapeFault(subject: string): string | undefined {
  if (space.test(subject)) return "a subject has no space in it";
  if (subject.split(".").includes(""))
    return "a subject has no empty token between, before or after its dots";
  const bytes = Buffer.byteLength(subject);
  return bytes > maxSubjectBytes ? `it has ${bytes} bytes, and a server takes ${maxSubjectBytes}` : undefined;
}
