import { InvalidArgumentError } from "../traits/errors.ts";
import { isChannel } from "./channel.ts";
import type { AppDefinition } from "./definition.ts";
import type { Environment } from "./environment.ts";
import type { Outbound } from "./outbound.ts";
import type { Requester } from "./requester.ts";
import type { answering, askedDecoder } from "./respond.ts";

/** What only a program with an rpc needs. */
export interface RpcParts {
  readonly answering: typeof answering;
  readonly askedDecoder: typeof askedDecoder;
  readonly requester: (outbound: Outbound, definition: AppDefinition, environment: Environment) => Requester;
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
