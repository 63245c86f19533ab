import type { Capabilities } from "./capabilities.ts";

/**
 * What `make` makes of the capabilities of some parts, made anew only when one of them has others: a part may learn more of
 * its broker while it is open.
 */
export class LiveCapabilities {
  readonly #parts: readonly { readonly capabilities: Capabilities }[];
  readonly #make: (capabilities: readonly Capabilities[]) => Capabilities;
  #from: readonly Capabilities[] = [];
  #made: Capabilities | undefined = undefined;

  constructor(
    parts: readonly { readonly capabilities: Capabilities }[],
    make: (capabilities: readonly Capabilities[]) => Capabilities,
  ) {
    this.#parts = parts;
    this.#make = make;
  }

  get now(): Capabilities {
    const from = this.#parts.map(({ capabilities }) => capabilities);
    if (this.#made === undefined || from.some((each, index) => each !== this.#from[index])) {
      this.#made = this.#make(from);
      this.#from = from;
    }
    return this.#made;
  }
}
