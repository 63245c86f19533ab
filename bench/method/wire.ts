import type { ModuleSpec, Sample } from "./contract.ts";

/** What the conductor says to the process of a loop or of a partner. */
export type Order =
  | { readonly type: "load"; readonly spec: ModuleSpec; readonly address: string }
  | { readonly type: "attach"; readonly name: string; readonly count: number; readonly every: number }
  | { readonly type: "bursts"; readonly size: number; readonly forMs: number }
  | { readonly type: "detach" }
  | { readonly type: "publish"; readonly name: string; readonly count: number; readonly window: number }
  | { readonly type: "credit"; readonly taken: number }
  | { readonly type: "close" };

/** What it answers. */
export type Answer =
  /** The last order is done. */
  | { readonly type: "done" }
  /** So much of the stream has been taken. */
  | { readonly type: "taken"; readonly taken: number }
  | { readonly type: "sample"; readonly sample: Sample }
  | { readonly type: "failed"; readonly error: string };
