import type { IAsyncProperty } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";

interface Chosen {
  /** Which of the properties this value is for. */
  readonly of: number;
  readonly value: unknown;
}

type Generated = ReturnType<IAsyncProperty<Chosen>["generate"]>;
type Inner = ReturnType<IAsyncProperty<unknown>["generate"]>;

/** A law that is looked for in several ways. They take turns, so that each has its share however few runs there are. */
export function either(...ways: readonly Law["property"][]): Law["property"] {
  return (play) => {
    const properties = ways.map((way) => way(play));
    const at = (index: number): IAsyncProperty<unknown> => {
      const property = properties[index];
      if (property === undefined) throw new Error("a value of a property that is not there");
      return property;
    };
    return {
      isAsync: () => true,
      generate: (random, runId) => {
        const of = (runId ?? 0) % properties.length;
        return chosen(of, at(of).generate(random, runId));
      },
      shrink: ({ context, value_: { of } }) =>
        at(of)
          .shrink(context as Inner)
          .map((smaller) => chosen(of, smaller)),
      run: ({ of, value }) => at(of).run(value),
      // Neither form of a law has hooks.
      runBeforeEach: () => Promise.resolve(),
      runAfterEach: () => Promise.resolve(),
    } satisfies IAsyncProperty<Chosen> as IAsyncProperty<unknown>;
  };
}

function chosen(of: number, inner: Inner): Generated {
  return new fc.Value<Chosen>({ of, value: inner.value_ }, inner);
}
