import { subscribe } from "node:diagnostics_channel";

/** Connections are cut on purpose here. Somebody who listens keeps the warnings of each loss from being printed. */
export function expectLosses(): void {
  subscribe("tidelane:reconnect", () => undefined);
}
