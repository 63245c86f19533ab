import type { Message } from "../traits/message.ts";
import type { HandlerContext } from "./delivery.ts";
import { type Outcome, toOutcome } from "./outcome.ts";
import { isThenable } from "./thenable.ts";

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
  // No async functions: a chain over a handler that answers at once costs one promise a layer.
  return (value, context) => {
    let called = false;
    const next = (): Promise<Outcome> => {
      if (called) return Promise.reject(new TypeError(calledTwice));
      called = true;
      try {
        const returned = inner(value, context);
        return isThenable(returned)
          ? Promise.resolve(returned).then(toOutcome)
          : Promise.resolve(toOutcome(returned));
      } catch (error) {
        return Promise.reject(error);
      }
    };
    const outcome: unknown = layer(context, next);
    return isThenable(outcome) ? outcome.then(checkAnswer) : checkAnswer(outcome);
  };
}

const calledTwice = "A middleware called next() twice; it runs the rest of the chain once.";

/** Nothing would read as ack(): a forgotten `return next()` must not settle what the handler wanted retried. */
function checkAnswer(outcome: unknown): unknown {
  if (outcome !== undefined) return outcome;
  throw new TypeError("A middleware returned nothing; it returns what next() gave it.");
}
