import type { Module } from "./modules.ts";

/** What stands at the top of every adapter: a file, or a room with the file through which a reader enters it. */
interface Place {
  readonly name: string;
  readonly entry?: string;
  /** A place imports lower ones only, and its own level only where `among` says so. */
  readonly level: number;
  readonly among?: true;
  /** Absent: the place is optional. */
  readonly required?: true;
}

/** The floor plan of ARCHITECTURE.md as data. */
const plan: readonly Place[] = [
  { name: "index.ts", level: 8, required: true },
  { name: "broker.ts", level: 7, required: true },
  { name: "source.ts", level: 6, required: true },
  { name: "connection", entry: "connection.ts", level: 5, required: true },
  { name: "consumer", entry: "subscriber.ts", level: 4, required: true },
  { name: "publisher", entry: "publisher.ts", level: 4, required: true },
  { name: "topology", entry: "topology.ts", level: 3 },
  { name: "message", entry: "message.ts", level: 2, required: true },
  { name: "options.ts", level: 1, among: true },
  { name: "options", entry: "options.ts", level: 1, among: true },
  { name: "errors.ts", level: 1, among: true },
  { name: "client.ts", level: 1, among: true },
];

/** What one adapter has beyond the plan. Each needs a reason. */
const additions: Readonly<Record<string, readonly Place[]>> = {
  // This broker is its own server: topics, their logs and the groups over them are nobody else's.
  memory: [{ name: "server", entry: "server.ts", level: 3 }],
};

const fewestFiles = 2;
const mostFiles = 10;

const inAdapter = /^src\/brokers\/([^/]+)\/(.+)$/;

interface Placed {
  readonly adapter: string;
  /** Below the adapter's folder. */
  readonly path: string;
  /** The file or the room at the top of the adapter. */
  readonly top: string;
}

function locate(path: string): Placed | undefined {
  const [, adapter, rest] = inAdapter.exec(path) ?? [];
  if (adapter === undefined || rest === undefined || adapter === "shared") return undefined;
  return { adapter, path: rest, top: rest.split("/")[0] ?? rest };
}

function placesOf(adapter: string): readonly Place[] {
  return [...plan, ...(additions[adapter] ?? [])];
}

/** Where the adapters among `modules` depart from the floor plan, in a sentence each. */
export function departures(modules: readonly Module[]): string[] {
  const adapters = groupBy(
    modules.flatMap((module) => locate(module.path) ?? []),
    ({ adapter }) => adapter,
  );
  return [...adapters].flatMap(([adapter, files]) => [
    ...wrongNames(adapter, new Set(files.map(({ top }) => top))),
    ...wrongRooms(adapter, new Set(files.map(({ path }) => path))),
  ]);
}

function wrongNames(adapter: string, tops: ReadonlySet<string>): string[] {
  const places = placesOf(adapter);
  const names = places.map(({ name }) => name);
  const unknown = [...tops].filter((top) => !names.includes(top));
  const missing = places.filter(({ name, required }) => required === true && !tops.has(name));
  const options = ["options.ts", "options"].filter((name) => tops.has(name));
  return [
    ...unknown.map((top) => `${adapter}/${top} is not in the floor plan`),
    ...missing.map(({ name }) => `${adapter}/${name} is missing`),
    ...(options.length === 1 ? [] : [`${adapter} has ${options.length} places for its options, and not one`]),
  ];
}

function wrongRooms(adapter: string, paths: ReadonlySet<string>): string[] {
  const rooms = groupBy(
    [...paths].filter((path) => path.includes("/")),
    (path) => path.slice(0, path.lastIndexOf("/")),
  );
  const sizes = [...rooms].filter(([, { length }]) => length < fewestFiles || length > mostFiles);
  const entries = placesOf(adapter)
    .filter(({ name }) => rooms.has(name))
    .map(({ name, entry }) => `${name}/${entry}`);
  return [
    ...sizes.map(([room, { length }]) => `${adapter}/${room} has ${length} files`),
    ...entries.filter((entry) => !paths.has(entry)).map((entry) => `${adapter}/${entry} is missing`),
  ];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

/** Every import inside an adapter that does not point down the floor plan. */
export function upwardImports(modules: readonly Module[]): string[] {
  return modules.flatMap((module) => {
    const from = locate(module.path);
    if (from === undefined) return [];
    return module.imports.flatMap(({ to, line }) => {
      const target = locate(to);
      if (target === undefined || target.adapter !== from.adapter || pointsDown(from, target)) return [];
      return [`${module.path}:${line} imports ${target.path}`];
    });
  });
}

function pointsDown(from: Placed, to: Placed): boolean {
  if (from.top === to.top) return true;
  const places = placesOf(from.adapter);
  const above = places.find(({ name }) => name === from.top);
  const below = places.find(({ name }) => name === to.top);
  if (above === undefined || below === undefined) return false;
  return below.level < above.level || (below.level === above.level && above.among === true);
}
