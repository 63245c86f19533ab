import type { JetStreamApi } from "../client.ts";
import { apiErrors, isApiError, JetStreamApiError } from "../errors.ts";
import type { JetStreamSubscribeSettings } from "../options.ts";
import { Consumer, createConsumer, describeConsumer, ephemeralName } from "./consumer.ts";
import { type ConsumerInfo, checkConsumer, configOf } from "./consumer-config.ts";
import { openStream, refuseLackingStream } from "./subscription-stream.ts";

export { Consumer } from "./consumer.ts";
export { createStream, streamsOf } from "./stream.ts";

/**
 * Finds or creates the consumer of a subscription, and its stream where `create` says so. Rejects with
 * `InvalidArgumentError` on a conflict, with `SubscriptionFailedError` where its stream is missing.
 */
export async function openConsumer(
  api: JetStreamApi,
  filter: string,
  settings: JetStreamSubscribeSettings,
): Promise<Consumer> {
  const stream = await openStream(api, filter, settings);
  const info = await openInStream(api, stream, filter, settings);
  return new Consumer(api, stream, filter, settings, info);
}

async function openInStream(
  api: JetStreamApi,
  stream: string,
  filter: string,
  settings: JetStreamSubscribeSettings,
): Promise<ConsumerInfo> {
  const { group } = settings;
  const found = group === undefined ? undefined : await findConsumer(api, stream, group);
  // A server from 2.10 on creates a consumer for a subject that its stream lacks, and the consumer never gets anything.
  if (found === undefined && settings.stream !== undefined) await refuseLackingStream(api, stream, filter);
  if (group === undefined)
    return createConsumer(api, stream, filter, configOf(settings, filter, ephemeralName()));
  const info = found ?? (await createDurable(api, stream, filter, settings, group));
  checkConsumer(info.config, settings, filter, describeConsumer(stream, group));
  return info;
}

async function findConsumer(
  api: JetStreamApi,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await api.call<ConsumerInfo>(`CONSUMER.INFO.${stream}.${name}`);
  } catch (error) {
    if (isApiError(error, apiErrors.consumerNotFound)) return undefined;
    throw error;
  }
}

async function createDurable(
  api: JetStreamApi,
  stream: string,
  filter: string,
  settings: JetStreamSubscribeSettings,
  group: string,
): Promise<ConsumerInfo> {
  try {
    return await createConsumer(api, stream, filter, configOf(settings, filter, group));
  } catch (error) {
    // Somebody else may have made it in between, and differently: that is for the check to say.
    const found = error instanceof JetStreamApiError ? await findConsumer(api, stream, group) : undefined;
    if (found === undefined) throw error;
    return found;
  }
}
