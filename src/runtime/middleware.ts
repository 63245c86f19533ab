import type { Message } from "../traits/message.ts";
import type { HandlerContext } from "./delivery.ts";
import { type MiddlewareOutcome, toAnswer, toOutcome } from "./outcome.ts";
import { isThenable } from "./thenable.ts";

/**
 * Wraps every run of the handler, after decoding. The first `use` is the outermost.
 *
 * `next()` runs the rest of the chain and resolves with its outcome. If the handler throws, it resolves with `{
 * kind: "failure", error }`. Return that outcome, and the failure policy decides. Return another one, and it
 * replaces the failure, which is then not reported. If a middleware throws or returns nothing, that is a failure
 * too. Call `next()` at most once; a second call rejects.
 *
 * A payload that does not decode has no value, so no middleware sees it. `onError` gets it.
 */
export type Middleware<M extends Message = Message, Value = unknown> = (
  context: HandlerContext<M> & { readonly value: Value },
  next: () => Promise<MiddlewareOutcome>,
) => Promise<MiddlewareOutcome> | MiddlewareOutcome;

type Call<M extends Message, Value> = (
  value: Value,
  context: HandlerContext<M> & { readonly value: Value },
) => unknown;

/** The handler, or a middleware with all that is inside it. */
export interface Chain<M extends Message, Value> {
  /** May throw, and may return anything. */
  readonly call: Call<M, Value>;
  /** Reads what `call` returned, or what its promise resolved with. Throws on anything that is no outcome. */
  readonly read: (returned: unknown) => MiddlewareOutcome;
}

/** The handler inside its middleware. */
export function compose<M extends Message, Value>(
  layers: readonly Middleware<M, Value>[],
  handler: Call<M, Value>,
): Chain<M, Value> {
  const innermost: Chain<M, Value> = { call: handler, read: toOutcome };
  return layers.reduceRight((inner, layer) => ({ call: wrap(layer, inner), read: toAnswer }), innermost);
}

function wrap<M extends Message, Value>(
  layer: Middleware<M, Value>,
  { call, read }: Chain<M, Value>,
): Call<M, Value> {
  const late = (returned: unknown): MiddlewareOutcome => {
    try {
      return read(returned);
    } catch (error) {
      return failed(error);
    }
  };
  return (value, context) => {
    let called = false;
    let result: MiddlewareOutcome | Promise<MiddlewareOutcome> | undefined;
    let given: Promise<MiddlewareOutcome> | undefined;
    const next = (): Promise<MiddlewareOutcome> => {
      if (called) return Promise.reject(new TypeError(calledTwice));
      called = true;
      try {
        const returned = call(value, context);
        result = isThenable(returned) ? Promise.resolve(returned).then(late, failed) : read(returned);
      } catch (error) {
        result = failed(error);
      }
      given = result instanceof Promise ? result : promiseOf(result);
      return given;
    };
    const answer = layer(context, next);
    // A layer that passes on the very promise it got adds nothing to wait for: what is in it may be known already.
    return answer === given && given !== undefined ? result : answer;
  };
}

function failed(error: unknown): MiddlewareOutcome {
  return { kind: "failure", error };
}

const acknowledged = Promise.resolve(toOutcome(undefined));

/** Most outcomes are the one of `ack()`, and they share a promise. */
function promiseOf(outcome: MiddlewareOutcome): Promise<MiddlewareOutcome> {
  return outcome === toOutcome(undefined) ? acknowledged : Promise.resolve(outcome);
}

const calledTwice = "A middleware called next() twice.";
