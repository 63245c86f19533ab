import type {
  BatchSubscriber,
  Connection,
  DescribeServer,
  Message,
  Pausable,
  Positioned,
  Publisher,
  RequestReply,
  Seekable,
  Subscriber,
  TransactionalPublisher,
} from "../src/traits/index.ts";

/** Whether the object has the methods of a capability. What its data claims is another question: see capabilities-match. */
export function isPausable(subscriber: Subscriber): subscriber is Subscriber & Pausable {
  return hasMethods(subscriber, "pause", "resume");
}

export function isBatching(subscriber: Subscriber): subscriber is BatchSubscriber {
  return hasMethods(subscriber, "batches");
}

export function isSeekable(subscriber: Subscriber): subscriber is Subscriber & Seekable<unknown> {
  return hasMethods(subscriber, "seek");
}

export function isPositioned(message: Message): message is Message & Positioned<unknown> {
  return "position" in message && message.position !== undefined;
}

export function isRequesting(publisher: Publisher): publisher is RequestReply {
  return hasMethods(publisher, "request");
}

export function isTransactional(publisher: Publisher): publisher is TransactionalPublisher {
  return hasMethods(publisher, "transaction");
}

export function isDescribing(connection: Connection): connection is Connection & DescribeServer {
  return hasMethods(connection, "describe");
}

function hasMethods(value: object, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}
