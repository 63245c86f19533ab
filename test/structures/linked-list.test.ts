import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Linked, LinkedList } from "../../src/structures/linked-list.ts";

class Node implements Linked<Node> {
  previous: Node | undefined = undefined;
  next: Node | undefined = undefined;
  list: LinkedList<Node> | undefined = undefined;
}

describe("LinkedList", () => {
  it("keeps order while any element leaves", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (steps) => {
        const nodes = Array.from({ length: 10 }, () => new Node());
        const list = new LinkedList<Node>();
        let model: Node[] = [];
        for (const index of steps) {
          const node = nodes[index] ?? new Node();
          if (model.includes(node)) {
            list.remove(node);
            model = model.filter((other) => other !== node);
          } else {
            list.append(node);
            model.push(node);
          }
          expect(list.toArray()).toEqual(model);
          expect([list.size, list.first]).toEqual([model.length, model[0]]);
        }
      }),
    );
  });

  it("leaves alone an element that stands in another list", () => {
    const [mine, other] = [new LinkedList<Node>(), new LinkedList<Node>()];
    const node = new Node();
    other.append(node);
    mine.remove(node);
    expect([mine.size, other.size, other.first]).toEqual([0, 1, node]);
  });
});
