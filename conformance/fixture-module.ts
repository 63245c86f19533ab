import type { Fixture } from "./fixture.ts";

/**
 * A fixture by where it is found, so that it can be loaded in another thread: a broker that loops or eats memory then ends
 * its own thread, and the report says in which call.
 */
export interface FixtureModule {
  /** The URL of a module, such as `new URL("./fixture.ts", import.meta.url)`. */
  readonly module: string | URL;
  /** The name it exports the fixture by, or a function that gives one. @default "fixture" */
  readonly name?: string;
  /** Handed to that function. It is cloned. */
  readonly input?: unknown;
  /**
   * A module whose `register()` teaches the thread to load the fixture: `"tsx/esm/api"` for one in TypeScript, because
   * a thread does not have the loaders of its process.
   */
  readonly loader?: string;
}

/** What a broker may take before its thread is ended. */
export interface Limits {
  /** How long it may keep its thread from every other work, in milliseconds. @default 10_000 */
  readonly busyMs?: number;
  /** How much memory may be added to what the process had before, in megabytes. @default 1_024 */
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
