import type { Fixture } from "tidelane/conformance";
import { expect, it } from "vitest";
import { turns } from "../../../conformance/stage/pace.ts";
import { Stage } from "../../../conformance/stage/stage.ts";
import { examine } from "../../../conformance/subject.ts";
import { memoryFixture } from "../memory-fixture.ts";

/** The ids of three messages in the order the ledger is told of them: of a pull, and of two takes after it. */
async function told(turnsBetween: number): Promise<number[]> {
  const subject = await examine(memoryFixture as Fixture);
  const stage = await Stage.open(subject, { counts: () => true, judged: () => undefined }, { A: {} });
  const connection = await stage.connect();
  const subscriber = await connection.open({ topic: "A", options: {} });
  for (let id = 1; id <= 3; id += 1) await connection.publish({ topic: "A" });
  void subscriber?.pull();
  subscriber?.take(1);
  await turns(turnsBetween);
  subscriber?.take(1);
  await stage.rest();
  await stage.dismantle();
  stage.check();
  return stage.ledger.deliveries.map(({ copy }) => copy.posting.id);
}

it("tells the ledger of what was taken in the order of the calls, however close they are", async () => {
  for (let between = 0; between <= 30; between += 1) expect(await told(between)).toEqual([1, 2, 3]);
});
