import type { Arbitrary } from "fast-check";
import { contents as anyContents, type Contents } from "../content/contents.ts";
import { fc } from "../fast-check.ts";
import type { ConnectionActor } from "../stage/connection-actor.ts";
import type { Stage } from "../stage/stage.ts";
import { gap, pick, picked, Step } from "./step.ts";

export { keys } from "../content/contents.ts";

/**
 * Publishes to one of the topics, over one of the connections that are open; by the second publisher of the connection
 * too where `by` says so.
 */
export function publish(
  contents: Arbitrary<Contents> = anyContents,
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
