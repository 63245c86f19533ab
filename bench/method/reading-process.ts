// The process of one reading: takes it, tells it, ends.
import type { ModuleSpec, Parameters } from "./contract.ts";

process.once("message", ({ module, make, parameters = {} }: ModuleSpec) => {
  take(module, make, parameters).then(
    (value) => process.send?.(value, () => process.exit(0)),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});

process.once("disconnect", () => process.exit(1));

async function take(module: string, make: string, parameters: Parameters): Promise<number> {
  const loaded = await import(new URL(`../${module}`, import.meta.url).href);
  return loaded[make](parameters);
}
