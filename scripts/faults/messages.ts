import type { Contact } from "../brokers/recipe.ts";
import type { Leaving } from "./plan.ts";
import type { Place } from "./plug-in.ts";

/** What a consumer's process is started with. */
export interface ConsumerSite {
  readonly plugIn: string;
  readonly contact: Contact;
  readonly port: number;
  readonly place: Place;
  /** The file of the journal. */
  readonly journal: string;
  /** From 0; a process that is started again has the number of the one before. */
  readonly member: number;
  /** Decides how long handlers take and which fail. */
  readonly seed: number;
}

/** What a consumer is told. */
export type Order =
  | { readonly do: "reopen"; readonly how: Exclude<Leaving, "kill"> }
  | { readonly do: "leave"; readonly how: Exclude<Leaving, "kill"> };

/** What it tells. */
export type News =
  /** Its code is loaded: what it does from here on is the adapter's doing. */
  | { readonly is: "loaded" }
  | { readonly is: "open" }
  | { readonly is: "left" }
  /** Something went wrong that it overcame by itself, or by beginning again. */
  | { readonly is: "note"; readonly text: string };
