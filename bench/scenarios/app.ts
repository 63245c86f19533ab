import type { Contest, LoopSpec, Parameters, Rival } from "../method/contract.ts";

function contest(name: string, handler: string, parameters: Parameters): Contest {
  const loop = (kind: string, label: string, make: string, own: Parameters, against: Rival[]): LoopSpec => ({
    name: kind,
    label,
    module: "loops/app.js",
    make,
    parameters: { ...parameters, ...own },
    against,
  });
  return {
    name: `app-${name}`,
    title: `App: a handler of a channel with a schema, ${handler}`,
    work: { kind: "burst", size: 10_240 },
    loops: [
      loop("by-hand", "the same pipeline by hand", "pipelineByHand", {}, []),
      loop("app", "app.subscribe", "appHandler", {}, [{ loop: "by-hand", atLeast: 0.9 }]),
      loop("middleware-1", "1 middleware", "appHandler", { middleware: 1 }, [{ loop: "app", atLeast: 0.92 }]),
      loop("middleware-4", "4 middleware", "appHandler", { middleware: 4 }, [
        { loop: "app", atLeast: Number((0.92 ** 4).toFixed(2)) },
      ]),
    ],
  };
}

/** What the app layer adds to a pipeline over the memory broker. */
export function appContests(): readonly Contest[] {
  return [contest("sync", "which answers at once", {}), contest("async", "async", { async: true })];
}
