import { expect, it } from "vitest";
import { commonKinds, planRound } from "../../scripts/faults/plan.ts";
import { plugIns } from "../../scripts/faults/plug-ins.ts";
import { formatRound } from "../../scripts/faults/report.ts";
import { runRound } from "../../scripts/faults/round.ts";
import { describeLive } from "./describe-live.ts";

const messages = 2_000;
const seed = 20_261_121;

// The short form of `npm run faults`: a round of each broker with every kind of fault.
for (const plugIn of plugIns) {
  await describeLive(
    plugIn.server,
    `faults on ${plugIn.name}`,
    (server) => {
      it("lose nothing, keep every key in order, and repeat only what was in flight", async () => {
        const plan = planRound(seed, 1, messages, plugIn.furtherKinds);
        const result = await runRound({ plugIn, server, plan });
        console.log(`${plugIn.name}: ${formatRound(result, 1)}`);
        expect(result.violations, result.notes.join("\n")).toEqual([]);
        expect(result).toMatchObject({ confirmed: messages, handled: messages });
        const kinds = new Set(result.faults.map(({ what }) => what.split(" ")[0]));
        expect(kinds).toEqual(new Set([...commonKinds, ...plugIn.furtherKinds]));
      }, 180_000);
    },
    { own: true, config: plugIn.serverConfig ?? [] },
  );
}
