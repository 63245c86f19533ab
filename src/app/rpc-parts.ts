import type { ErrorListener } from "../runtime/report.ts";
import type { Connection } from "../traits/broker.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { OutgoingMessage, Publisher } from "../traits/publisher.ts";
import { type Channel, isChannel } from "./channel.ts";
import type { DeliveryContext } from "./context.ts";
import type { AppDefinition, OutboundScope, SubscriptionPlan } from "./definition.ts";
import type { Environment } from "./environment.ts";
import type { GivenRequestOptions, Rpc } from "./request.ts";
import type { TopicTemplate } from "./topic-template.ts";

/** A request as it was decoded. One that does not decode is answered as well, so it is a value too. */
export type Asked = { readonly value: unknown } | { readonly value?: undefined; readonly error: unknown };

/** Who publishes replies. */
export interface Replying {
  reply(broker: string, message: OutgoingMessage): Promise<void>;
}

/** What requests need of the rest of the app. */
export interface RequestHome {
  readonly definition: AppDefinition;
  readonly environment: Environment;
  connection(name: string): Connection;
  publisher(name: string, call: string, topic: string): Publisher;
  broker(call: string, scope: OutboundScope, on: string | undefined): string;
  template(call: string, scope: OutboundScope, broker: string, channel: Channel): TopicTemplate;
}

export interface Requests {
  request(scope: OutboundScope, rpc: Rpc, value: unknown, options?: GivenRequestOptions): Promise<unknown>;
  /** Opens the inbox of a broker, which its first request would open. */
  openInbox(name: string): Promise<void>;
  /** Requests that wait are told that there will be no reply. */
  close(): Promise<void>;
}

/** What only a program with an rpc needs. */
export interface RpcParts {
  readonly requester: (home: RequestHome) => Requests;
  readonly askedDecoder: (
    channel: Channel,
    template: TopicTemplate,
  ) => (message: Message) => Asked | Promise<Asked>;
  readonly answering: (
    plan: SubscriptionPlan,
    rpc: Rpc,
    handler: (value: unknown, context: DeliveryContext) => unknown,
    outbound: Replying,
    onError: ErrorListener | undefined,
  ) => (asked: Asked, context: DeliveryContext) => Promise<void>;
}

const known = new WeakMap<object, RpcParts>();
let brought: RpcParts | undefined;

export function registerRpc(rpc: object, parts: RpcParts): void {
  known.set(rpc, parts);
  brought = parts;
}

/** There once an rpc was made. */
export function rpcParts(): RpcParts | undefined {
  return brought;
}

/** Throws where `given` is no rpc. */
export function checkRpc(argument: string, given: unknown): RpcParts {
  const parts = known.get((given ?? {}) as object);
  if (parts !== undefined) return parts;
  const expected = isChannel(given)
    ? "an rpc, and this is a channel: handle it with app.subscribe(), and publish to it with publish()"
    : "an rpc, as rpc(topic, { request, reply }) gives one";
  throw new InvalidArgumentError({ argument, expected, received: given });
}
