import type { Contest, LoopSpec } from "./contract.ts";

/**
 * The same contest with each loop a second time, over the other checkout of the library. Loops that do not use the library
 * run twice as well: the ratio between those two is what the machine alone makes of a round.
 */
export function againstOther(contest: Contest): Contest {
  const [first, ...rest] = contest.loops;
  const [plain, ...others] = [first, ...rest].flatMap((loop) =>
    pair(loop, loop === first ? undefined : first),
  );
  return plain === undefined ? contest : { ...contest, loops: [plain, ...others] };
}

function pair(loop: LoopSpec, usual: LoopSpec | undefined): readonly LoopSpec[] {
  const name = `${loop.name}-other`;
  const rivals = loop.against ?? (usual === undefined ? [] : [{ loop: usual.name }]);
  return [
    { ...loop, against: [{ loop: name }, ...rivals] },
    { ...loop, name, label: `${loop.label}, the other checkout`, tree: "other", against: [] },
  ];
}
