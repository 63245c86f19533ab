import { InvalidArgumentError, SubscriptionFailedError } from "../../../traits/errors.ts";
import { RequestFault } from "../../nats/errors.ts";
import type { JetStreamApi } from "../client.ts";
import type { JetStreamSubscribeSettings, StreamSettings } from "../options.ts";
import { addSubjects, createStream, findStream, hasAll, hasSubject, streamsOf } from "./stream.ts";

/** The name of the stream a subscription reads from: found, or created where that is asked for. */
export async function openStream(
  api: JetStreamApi,
  filter: string,
  { stream, create }: JetStreamSubscribeSettings,
): Promise<string> {
  const name = stream ?? (await findByName(api, filter));
  if (create !== false) return createFor(api, filter, name ?? nameFrom(filter), create);
  if (name !== undefined) return name;
  const reason = `no stream has the subject "${filter}"; create one, or let create: true create it`;
  throw new SubscriptionFailedError({ topic: filter, reason });
}

/** Rejects where a stream that was named is missing, or can never have a message for the subscription. */
export async function refuseLackingStream(api: JetStreamApi, stream: string, filter: string): Promise<void> {
  const found = await findStream(api, stream).catch((error: unknown) => {
    // Without permission to ask nothing can be said against it.
    if (error instanceof RequestFault && error.kind === "refused") return undefined;
    throw error;
  });
  if (found !== undefined && !hasSubject(found.config, filter)) throw lacking(stream, filter);
}

/** The one stream that has the subject; undefined where none has. */
async function findByName(api: JetStreamApi, filter: string): Promise<string | undefined> {
  const names = await streamsOf(api, filter);
  if (names.length < 2) return names[0];
  const list = names.map((name) => `"${name}"`).join(", ");
  const reason = `the streams ${list} have subjects that match "${filter}"; name one in options.stream`;
  throw new SubscriptionFailedError({ topic: filter, reason });
}

async function createFor(
  api: JetStreamApi,
  filter: string,
  name: string,
  create: StreamSettings,
): Promise<string> {
  const { subjects, update } = create;
  if (subjects !== undefined && !hasSubject({ subjects }, filter)) {
    const expected = `subjects that match "${filter}", which the subscription reads`;
    const argument = "options.create.subjects";
    throw new InvalidArgumentError({ argument, expected, received: subjects.join(", ") });
  }
  const found = subjects === undefined ? await findStream(api, name) : undefined;
  if (found === undefined) {
    await createStream(api, name, { ...create, subjects: subjects ?? [filter] }, "options.create");
    return name;
  }
  await createStream(api, name, create, "options.create");
  // A stream with only some of the subjects gives the subscription only those.
  if (hasAll(found.config, filter)) return name;
  if (update !== "add") throw lacking(name, filter);
  await addSubjects(api, name, [filter], found.config, "options.create");
  return name;
}

function lacking(stream: string, filter: string): SubscriptionFailedError {
  const reason = `the stream "${stream}" lacks the subject "${filter}"; name another one in options.stream, or let create: { update: "add" } add it`;
  return new SubscriptionFailedError({ topic: filter, reason });
}

/**
 * For a stream that is created without a name: the tokens of its subject, with words for wildcards. A subject that has
 * the word in that place matches the pattern, and so finds the same stream.
 */
function nameFrom(filter: string): string {
  const tokens = filter.split(".");
  if (tokens.some((token) => wildcards[token] === undefined)) {
    return tokens.map((token) => wildcards[token] ?? token.replaceAll(/[*>/\\]/g, "-")).join("-");
  }
  const expected = `the name of the stream to create, as the pattern "${filter}" gives none`;
  throw new InvalidArgumentError({ argument: "options.stream", expected, received: undefined });
}

const wildcards: Readonly<Record<string, string | undefined>> = { "*": "any", ">": "all" };
