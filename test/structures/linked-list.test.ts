import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Linked, LinkedList } from "../../src/structures/linked-list.ts";

class Node implements Linked<Node> {
  previous: Node | undefined = undefined;
  next: Node | undefined = undefined;
  list: LinkedList<Node> | undefined = undefined;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

const ids = (nodes: readonly Node[]): number[] => nodes.map(({ id }) => id);

describe("LinkedList", () => {
  it.each([0, 1, 2])("gives the place of element %i to another one", (index) => {
    const nodes = [new Node(0), new Node(1), new Node(2)];
    const list = new LinkedList<Node>();
    for (const node of nodes) list.append(node);
    const replaced = nodes[index] as Node;
    const successor = new Node(9);
    list.replace(replaced, successor);
    const expected = nodes.map((node) => (node === replaced ? 9 : node.id));
    expect([ids(list.toArray()), list.size, replaced.list]).toEqual([expected, 3, undefined]);
    list.append(replaced);
    list.remove(successor);
    const left = [...nodes.filter((node) => node !== replaced), replaced];
    expect(ids(list.toArray())).toEqual(ids(left));
  });

  it("keeps order while any element leaves, and may come back", () => {
    const shift = fc.constant("shift" as const);
    const toggle = fc.nat({ max: 9 });
    const steps = fc.array(fc.oneof({ weight: 5, arbitrary: toggle }, { weight: 1, arbitrary: shift }), {
      maxLength: 60,
      size: "max",
    });
    fc.assert(
      fc.property(steps, (taken) => {
        const nodes = Array.from({ length: 10 }, (_, id) => new Node(id));
        const list = new LinkedList<Node>();
        let model: Node[] = [];
        for (const step of taken) {
          const node = nodes[step === "shift" ? -1 : step];
          if (node === undefined) {
            expect(list.shift()).toBe(model.shift());
          } else if (model.includes(node)) {
            list.remove(node);
            model = model.filter((other) => other !== node);
          } else {
            list.append(node);
            model.push(node);
          }
          expect(ids(list.toArray())).toEqual(ids(model));
          expect(list.size).toBe(model.length);
          expect(list.first).toBe(model[0]);
        }
      }),
    );
  });

  it("leaves alone an element that stands in another list", () => {
    const [mine, other] = [new LinkedList<Node>(), new LinkedList<Node>()];
    const node = new Node(1);
    other.append(node);
    mine.remove(node);
    expect([mine.size, other.size, ids(other.toArray())]).toEqual([0, 1, [1]]);
  });

  it("removes an element once, however often it is asked to", () => {
    const list = new LinkedList<Node>();
    const [first, second] = [new Node(1), new Node(2)];
    list.append(first);
    list.append(second);
    list.remove(first);
    list.remove(first);
    expect([list.size, ids(list.toArray())]).toEqual([1, [2]]);
  });

  it("may be walked while elements leave", () => {
    const list = new LinkedList<Node>();
    for (const id of [1, 2, 3]) list.append(new Node(id));
    for (const node of list.toArray()) list.remove(node);
    expect([list.size, list.first, list.shift()]).toEqual([0, undefined, undefined]);
  });

  it("leaves no link behind in an element that left", () => {
    const list = new LinkedList<Node>();
    const nodes = [1, 2, 3].map((id) => new Node(id));
    for (const node of nodes) list.append(node);
    const [, middle] = nodes;
    if (middle === undefined) throw new Error("no middle");
    list.remove(middle);
    expect(middle).toEqual({ id: 2, previous: undefined, next: undefined, list: undefined });
  });
});
