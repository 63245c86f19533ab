import { computed, type Import, type Module } from "./modules.ts";

interface Room {
  /** What it may import besides itself and `node:`. */
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
  /** What its `index.ts` may import besides: a sister whose door it is too. */
  readonly sisters?: readonly string[];
}

/** The dependency rule of ARCHITECTURE.md as data. A room is a folder; each broker has a room of its own. */
const rooms: Readonly<Record<string, Room>> = {
  "src/traits": { rooms: [], packages: [] },
  "src/structures": { rooms: ["src/traits"], packages: ["ix"] },
  "src/runtime": { rooms: ["src/traits", "src/structures"], packages: ["p-queue"] },
  "src/app": { rooms: ["src/traits", "src/runtime"], packages: [] },
  "src/sources": { rooms: ["src/traits", "src/structures"], packages: [] },
  "src/codecs": { rooms: ["src/traits"], packages: ["cborg", "@msgpack/msgpack"] },
  "src/testing": {
    rooms: ["src/traits", "src/structures", "src/app", "src/runtime", "src/brokers/memory"],
    packages: [],
  },
  "src/brokers/shared": { rooms: ["src/traits", "src/structures"], packages: [] },
  "src/brokers/memory": { rooms: ["src/traits", "src/structures", "src/brokers/shared"], packages: [] },
  "src/brokers/amqp": {
    rooms: ["src/traits", "src/structures", "src/brokers/shared"],
    packages: ["amqplib"],
  },
  "src/brokers/kafka": {
    rooms: ["src/traits", "src/structures", "src/brokers/shared"],
    packages: ["kafkajs"],
  },
  "src/brokers/nats": {
    rooms: ["src/traits", "src/structures", "src/brokers/shared"],
    packages: ["nats"],
    sisters: ["src/brokers/jetstream"],
  },
  "src/brokers/jetstream": {
    rooms: ["src/traits", "src/structures", "src/brokers/shared", "src/brokers/nats"],
    packages: [],
  },
  "src/brokers/redis": {
    rooms: ["src/traits", "src/structures", "src/brokers/shared"],
    packages: ["redis"],
  },
  conformance: { rooms: ["src/traits", "src/runtime", "src/testing"], packages: ["fast-check"] },
};

/** Files that load a module whose name their caller gives, and nothing else. */
const loaders: readonly string[] = ["conformance/fixture-module.ts"];

/** The one file in src/ where the rooms meet. */
const door = "src/index.ts";

/** Every import of `modules` the rule forbids, in a sentence each. */
export function breaches(modules: readonly Module[]): string[] {
  return modules.flatMap((module) => {
    const name = roomOf(module.path);
    if (module.path === door) return [];
    const room = rooms[name];
    if (room === undefined) return [`${module.path}: "${name}" is not a room of the dependency rule`];
    return module.imports.flatMap((found) => {
      if (found.to === computed && loaders.includes(module.path)) return [];
      const isDoor = module.path === `${name}/index.ts`;
      const allowed = isDoor ? { ...room, rooms: [...room.rooms, ...(room.sisters ?? [])] } : room;
      const reason = refusal(name, allowed, found);
      return reason === undefined ? [] : [`${module.path}:${found.line} imports ${found.to}: ${reason}`];
    });
  });
}

function refusal(name: string, room: Room, found: Import): string | undefined {
  if (found.relative) {
    const target = roomOf(found.to);
    if (target === name || room.rooms.includes(target)) return undefined;
    return `${name} may import ${["itself", ...room.rooms].join(", ")}`;
  }
  if (found.to.startsWith("node:")) return undefined;
  if (found.to === "ix") return 'ix is slow to load whole: import "ix/asynciterable/..." and the like';
  if (room.packages.includes(packageOf(found.to))) return undefined;
  return `${name} may import ${["node: built-ins", ...room.packages].join(", ")}`;
}

/** "src/brokers/memory/source.ts" is in "src/brokers/memory", "conformance/laws/key-order.ts" in "conformance". */
function roomOf(path: string): string {
  const [top = "", second = "", third = ""] = path.split("/");
  if (top !== "src") return top;
  return second === "brokers" ? `src/brokers/${third}` : `src/${second}`;
}

function packageOf(specifier: string): string {
  const [first = "", second] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

/**
 * Modules that import each other in a circle. With `types`, an import that loads nothing counts too: two files that need
 * each other's types cannot be read one after the other either.
 */
export function cycles(modules: readonly Module[], { types }: { readonly types: boolean }): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const finished = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    if (finished.has(path)) return;
    const module = byPath.get(path);
    for (const next of (types ? module?.imports : loads(module)) ?? []) {
      if (next.relative) walk(next.to, [...trail, path]);
    }
    finished.add(path);
  };
  for (const { path } of modules) walk(path, []);
  return found;
}

/** The packages (as imported) that loading `entry` loads, following relative imports. `node:` is left out. */
export function packagesLoadedBy(entry: string, modules: readonly Module[]): Set<string> {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const seen = new Set([entry]);
  const packages = new Set<string>();
  for (const path of seen) {
    for (const next of loads(byPath.get(path))) {
      if (next.relative) seen.add(next.to);
      else if (!next.to.startsWith("node:") && next.to !== computed) packages.add(packageOf(next.to));
    }
  }
  return packages;
}

function loads(module: Module | undefined): Import[] {
  return module?.imports.filter((found) => !found.typeOnly) ?? [];
}
