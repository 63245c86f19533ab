import type { Capabilities } from "../src/traits/index.ts";
import type { SourceOptions, StrictPromises } from "./fixture.ts";
import type { Subject } from "./subject.ts";

/** Why a broker is not held to a law, or undefined where it is. */
export type Claim = (subject: Subject) => string | undefined;

/** The first reason of several. */
export function all(...claims: readonly Claim[]): Claim {
  return (subject) => {
    for (const claim of claims) {
      const reason = claim(subject);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
}

export const acknowledges: Claim = ({ capabilities }) =>
  capabilities.settlement === "ack" ? undefined : 'its capabilities say settlement "none"';

export const requeues: Claim = ({ capabilities }) =>
  capabilities.requeue ? undefined : "its capabilities say requeue false";

export const delays: Claim = ({ capabilities }) =>
  capabilities.requeue && capabilities.delayedRequeue !== "none"
    ? undefined
    : 'its capabilities say delayedRequeue "none"';

export const groups: Claim = ({ capabilities }) =>
  capabilities.groups ? undefined : "its capabilities say groups false";

export const ordered: Claim = ({ capabilities }) =>
  capabilities.order === "none" ? 'its capabilities say order "none"' : undefined;

export const keyed: Claim = ({ capabilities }) =>
  capabilities.partitionKey ? undefined : "its capabilities say partitionKey false";

export const onVirtualTime: Claim = ({ fixture }) =>
  fixture.time === "virtual" ? undefined : "it can only be seen on virtual time";

export const crashes: Claim = ({ fixture }) =>
  fixture.kill === undefined ? "the fixture has no kill()" : undefined;

/** What the capabilities of a source with these options say. */
export function source(
  options: SourceOptions,
  has: (capabilities: Capabilities) => boolean,
  what: string,
): Claim {
  return ({ fixture }) => {
    const { capabilities } = fixture.source("tidelane-conformance", { group: "claims", ...options });
    return has(capabilities) ? undefined : `its capabilities say ${what}`;
  };
}

export function promises(name: keyof StrictPromises): Claim {
  return (subject) => (subject.promises[name] === true ? undefined : `the fixture does not promise ${name}`);
}
