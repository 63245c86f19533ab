import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Fixture } from "tidelane/conformance";
import { FolderBroker, type FolderConnection, folderSource } from "./broker.ts";

/** Holds the broker of files to the laws. Each history has a folder of its own below `parent`. */
export function folderFixture(parent: unknown): Fixture<FolderConnection> {
  return {
    name: "folder",
    // It keeps no time and waits for nothing, so thousands of histories run in a moment.
    time: "virtual",
    broker: () => new FolderBroker(join(String(parent), randomUUID())),
    source: (topic, { group, maxInFlight }) =>
      folderSource(topic, {
        group: group ?? "without a name",
        ...(maxInFlight === undefined ? {} : { maxInFlight }),
      }),
    // Every subscription is one of a group.
    ungrouped: false,
    kill: (connection) => connection.kill(),
    promises: {
      settlesSurviveCrash: true,
      requeueKeepsPlace: true,
      noPrefetch: true,
      abortSendsNothing: true,
      ordersCalls: true,
    },
  };
}
