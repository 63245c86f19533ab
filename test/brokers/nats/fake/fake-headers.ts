import type { ClientHeaders } from "../../../../src/brokers/nats/client.ts";

/** Headers as both clients have them: by exact name, space around a value cut off. */
export class FakeHeaders implements ClientHeaders {
  readonly code: number;
  readonly description: string;
  readonly #values = new Map<string, string[]>();

  constructor(code = 0, description = "") {
    this.code = code;
    this.description = description;
  }

  append(name: string, value: string): void {
    if (!/^[!-9;-~]+$/.test(name)) throw new Error(`'${name}' is not a valid header name`);
    this.#values.set(name, [...(this.#values.get(name) ?? []), value.trim()]);
  }

  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  [Symbol.iterator](): Iterator<[string, string[]]> {
    return this.#values.entries();
  }
}
