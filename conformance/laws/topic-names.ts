import { namePairs } from "../content/topics.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { NamedTopics } from "../stage/named-topics.ts";

export const topicNames: Law = {
  name: "topic-names",
  promise: "A topic is carried exactly or refused, in publish and in subscribe alike.",
  property: (play) =>
    fc.asyncProperty(namePairs, (pair) =>
      play.run({}, async (stage) => {
        stage.trace.begin();
        const names = pair(stage.base, stage.subject.fixture.patterns?.separator ?? "-");
        const topics = await NamedTopics.connect(stage, names);
        try {
          for (const name of names) await topics.subscribe(name);
          await topics.publishAll();
          await topics.checkAll();
        } finally {
          await topics.end();
        }
      }),
    ),
};
