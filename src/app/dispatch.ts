import { checkFunction } from "../traits/arguments.ts";
import type { StandardSchema } from "../traits/codec.ts";
import type { BrokerName, Brokers } from "./brokers.ts";
import { type Channel, templateOf } from "./channel.ts";
import type { MessageContext } from "./context.ts";
import type { MessageHandler, RouterTypes } from "./router.ts";

/** The cases of one handler, tried in order. */
export interface Dispatch<Value, Context, DeadLetters extends boolean> {
  /** Handles the messages that `test` takes and no case before it. */
  when<Taken extends Value>(
    test: (value: Value, context: Context) => value is Taken,
    handler: MessageHandler<Taken, Context, DeadLetters>,
  ): Dispatch<Value, Context, DeadLetters>;
  when(
    test: (value: Value, context: Context) => boolean,
    handler: MessageHandler<Value, Context, DeadLetters>,
  ): Dispatch<Value, Context, DeadLetters>;
  /** Handles the messages that no case takes; only this makes it a handler, so that nobody forgets them. */
  otherwise(
    handler: MessageHandler<Value, Context, DeadLetters>,
  ): MessageHandler<Value, Context, DeadLetters>;
}

type Test = (value: unknown, context: unknown) => boolean;
type Handle = MessageHandler<unknown, unknown>;
type Case = readonly [test: Test, handler: Handle];

/**
 * One handler made of several, for a channel whose messages need different work.
 *
 * @example
 * app.subscribe(
 *   orders,
 *   dispatch(app, orders)
 *     .when((order) => order.total > 1_000, checkByHand)
 *     .when((_order, { headers }) => headers.has("x-test"), () => drop())
 *     .otherwise(bill),
 * );
 */
export function dispatch<
  B extends Brokers,
  State,
  DeadLetters extends boolean,
  Topic extends string,
  Value,
  Input,
  Headers extends StandardSchema | undefined,
>(
  router: { readonly "~types"?: RouterTypes<B, State, DeadLetters>; readonly subscribe: unknown },
  channel: Channel<Topic, Value, Input, Headers>,
): Dispatch<Value, MessageContext<Topic, Headers, State, BrokerName<B>>, DeadLetters> {
  checkFunction("dispatch(app, channel): app.subscribe", router?.subscribe);
  templateOf("dispatch(app, channel): channel", channel as Channel);
  return casesOf([]) as Dispatch<Value, MessageContext<Topic, Headers, State, BrokerName<B>>, DeadLetters>;
}

function casesOf(cases: readonly Case[]): object {
  return {
    when: (test: Test, handler: Handle): object => {
      checkFunction("dispatch().when(test, handler): test", test);
      checkFunction("dispatch().when(test, handler): handler", handler);
      return casesOf([...cases, [test, handler]]);
    },
    otherwise: (last: Handle): Handle => {
      checkFunction("dispatch().otherwise(handler)", last);
      return (value, context) => {
        const taken = cases.find(([test]) => test(value, context));
        return (taken?.[1] ?? last)(value, context);
      };
    },
  };
}
