import { codeOf, type ErrorListener, Reporter } from "../runtime/report.ts";
import { isThenable } from "../runtime/thenable.ts";
import { messageOf } from "../runtime/thrown.ts";
import { toDecodeError } from "../runtime/undecodable.ts";
import { headerNames, MessageHeaders } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import type { OutgoingMessage } from "../traits/publisher.ts";
import type { Channel } from "./channel.ts";
import type { DeliveryContext } from "./context.ts";
import type { SubscriptionPlan } from "./definition.ts";
import type { Rpc } from "./request.ts";
import type { Asked, Replying } from "./rpc-parts.ts";
import type { TopicTemplate } from "./topic-template.ts";
import { decoderFor, encode } from "./wire.ts";

export function askedDecoder(
  channel: Channel,
  template: TopicTemplate,
): (message: Message) => Asked | Promise<Asked> {
  const decode = decoderFor(channel, template);
  return (message) => {
    const failed = (error: unknown): Asked => ({ error: toDecodeError(message, error) });
    try {
      const value = decode(message);
      return isThenable(value) ? Promise.resolve(value).then((late) => ({ value: late }), failed) : { value };
    } catch (error) {
      return failed(error);
    }
  };
}

/**
 * Answers each request once, with a reply or with the error of its handler, published and confirmed before the request is
 * acked. A reply that cannot be published now is a failure of the delivery, and the request is handled again; one that never
 * can is reported, and the requester's time runs out.
 */
export function answering(
  plan: SubscriptionPlan,
  rpc: Rpc,
  handler: (value: unknown, context: DeliveryContext) => unknown,
  outbound: Replying,
  onError: ErrorListener | undefined,
): (asked: Asked, context: DeliveryContext) => Promise<void> {
  const topic = plan.template.text;
  const reporter = new Reporter(topic, onError);
  const envelope = { what: "the reply of its responder" };
  return async (asked, context) => {
    const { message, signal } = context;
    let answer: Pick<OutgoingMessage, "payload" | "headers">;
    try {
      if ("error" in asked) throw asked.error;
      const reply = await handler(asked.value, context);
      answer = (await encode(rpc.reply, { fill: () => topic }, reply, envelope)).message;
    } catch (error) {
      // Told to give up: the request goes back, and another instance answers it.
      if (signal.aborted) throw error;
      reporter.failed(error, context);
      answer = failure(error);
    }
    const address = message.headers.get(headerNames.replyTo);
    if (address === undefined) return;
    try {
      const headers = withCorrelation(MessageHeaders.from(answer.headers), message);
      await outbound.reply(plan.broker, { topic: address, payload: answer.payload, headers });
    } catch (error) {
      if ((error as { retryable?: unknown }).retryable !== false) throw error;
      reporter.failed(error, context);
    }
  };
}

/** What the requester is told: a code and a message, and nothing of where it was thrown. */
function failure(error: unknown): Pick<OutgoingMessage, "payload" | "headers"> {
  const code = codeOf(error) ?? "";
  const known = /^[\w.-]{1,64}$/.test(code) ? code : "ERROR";
  const payload = messageOf(error).slice(0, 1_024).toWellFormed();
  const headers = { [headerNames.contentType]: "text/plain; charset=utf-8", [headerNames.errorCode]: known };
  return { payload, headers };
}

function withCorrelation(headers: MessageHeaders, { headers: asked }: Message): MessageHeaders {
  const id = asked.get(headerNames.correlationId);
  return id === undefined ? headers : headers.with(headerNames.correlationId, id);
}
