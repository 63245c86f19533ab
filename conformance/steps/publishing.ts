import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { ConnectionActor } from "../stage/connection-actor.ts";
import type { Content } from "../stage/outgoing.ts";
import type { Stage } from "../stage/stage.ts";
import { gap, pick, picked, Step } from "./step.ts";

/** A key or none; few, so that they repeat. */
export const keys: Arbitrary<string | undefined> = fc.constantFrom(undefined, "a", "b");

/**
 * Publishes to one of the topics, over one of the connections that are open; by the second publisher of the connection
 * too where `by` says so.
 */
export function publish(
  contents: Arbitrary<Omit<Content, "topic">> = keys.map((key) => ({ key })),
  topics?: readonly string[],
  by: Arbitrary<"first" | "second"> = fc.constant("first"),
): Arbitrary<Step> {
  return fc.tuple(contents, pick, pick, gap, by).map(
    ([content, topic, connection, gapped, publisher]) =>
      new Step({
        name: "publish",
        ready: (stage) => openConnections(stage).length > 0,
        act: (stage) =>
          picked(openConnections(stage), connection).publish(
            { ...content, topic: picked(topics ?? Object.keys(stage.topics), topic) },
            undefined,
            publisher,
          ),
        gap: gapped,
      }),
  );
}

export function openConnections(stage: Stage): ConnectionActor[] {
  return stage.connections.filter(({ state }) => state === "open");
}
