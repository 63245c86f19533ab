import type { Message } from "../traits/message.ts";
import type { HandlerContext } from "./delivery.ts";
import { type Outcome, toOutcome } from "./outcome.ts";

/**
 * Wraps every run of the handler, after decoding. Calls `next()` at most once and returns its outcome or another one;
 * what it throws is a failure of the delivery. The first `use` is the outermost.
 */
export type Middleware<M extends Message = Message, Value = unknown> = (
  context: HandlerContext<M> & { readonly value: Value },
  next: () => Promise<Outcome>,
) => Promise<Outcome> | Outcome;

type Inner<M extends Message, Value> = (
  value: Value,
  context: HandlerContext<M> & { readonly value: Value },
) => unknown;

/** The handler inside its middleware, as one function. */
export function compose<M extends Message, Value>(
  layers: readonly Middleware<M, Value>[],
  handler: Inner<M, Value>,
): Inner<M, Value> {
  return layers.reduceRight<Inner<M, Value>>((inner, layer) => wrap(layer, inner), handler);
}

function wrap<M extends Message, Value>(
  layer: Middleware<M, Value>,
  inner: Inner<M, Value>,
): Inner<M, Value> {
  return async (value, context) => {
    let called = false;
    const next = async (): Promise<Outcome> => {
      if (called)
        throw new TypeError("A middleware called next() twice; it runs the rest of the chain once.");
      called = true;
      return toOutcome(await inner(value, context));
    };
    const outcome: Outcome | undefined = await layer(context, next);
    // Nothing would read as ack(): a forgotten `return next()` must not settle what the handler wanted retried.
    if (outcome === undefined)
      throw new TypeError("A middleware returned nothing; it returns what next() gave it.");
    return outcome;
  };
}
