import type { Fixture } from "./fixture.ts";

/**
 * A fixture, named by its module, so that a thread of its own can load it. If the broker loops or eats memory, only
 * that thread ends, and the report names the call.
 */
export interface FixtureModule {
  /** The URL of the module, such as `new URL("./fixture.ts", import.meta.url)`. */
  readonly module: string | URL;
  /** The name of the export: the fixture, or a function that returns it. @default "fixture" */
  readonly name?: string;
  /** The argument of that function. It is cloned. */
  readonly input?: unknown;
  /**
   * A module whose `register()` lets the thread load the fixture. For TypeScript it is `"tsx/esm/api"`, because a
   * thread does not inherit the loaders of its process.
   */
  readonly loader?: string;
}

/** When to end the thread. */
export interface Limits {
  /** How long one call may keep the thread busy, in milliseconds. @default 10_000 */
  readonly busyMs?: number;
  /** How much memory the process may gain, in megabytes. @default 1_024 */
  readonly memoryMb?: number;
}

export const defaultLimits: Required<Limits> = { busyMs: 10_000, memoryMb: 1_024 };

export function isFixtureModule(fixture: Fixture | FixtureModule): fixture is FixtureModule {
  return "module" in fixture;
}

export async function loadFixture({ module, name = "fixture", input }: FixtureModule): Promise<Fixture> {
  const exported: Readonly<Record<string, unknown>> = await import(String(module));
  const found = exported[name];
  const fixture: unknown = typeof found === "function" ? await found(input) : found;
  if (typeof fixture !== "object" || fixture === null) {
    throw new TypeError(`${String(module)} exports no fixture by the name "${name}"`);
  }
  return fixture as Fixture;
}
