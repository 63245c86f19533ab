import { checkName, checkObject } from "../traits/arguments.ts";
import { type Codec, json, type SchemaResult, type StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { show } from "../traits/show.ts";
import { checkCodec, checkSchema, type InputOf, type OutputOf } from "./channel.ts";

type Members = { readonly [name: string]: StandardSchema };

/** A schema of one of several types; the field named `by` says which. */
export type UnionSchema<M extends Members> = StandardSchema<InputOf<M[keyof M]>, OutputOf<M[keyof M]>>;

/** A value and the name of its type, which travels in a header. */
export type Tagged<Values> = {
  [Name in keyof Values]: { readonly type: Name; readonly value: Values[Name] };
}[keyof Values];

type TaggedInput<M extends Members> = Tagged<{ readonly [Name in keyof M]: InputOf<M[Name]> }>;
type TaggedOutput<M extends Members> = Tagged<{ readonly [Name in keyof M]: OutputOf<M[Name]> }>;

/**
 * Several types on one channel, told apart by a field that each of them has. A value of an unknown type does not fit.
 *
 * @example
 * const shop = channel("shop", { schema: union("type", { placed: Placed, paid: Paid }) });
 */
export function union<const M extends Members>(by: string, members: M): UnionSchema<M> {
  checkName("union(by, members): by", by);
  const known = checkMembers("union(by, members): members", members);
  return schemaOf((value) => {
    const name = (value as Readonly<Record<string, unknown>> | null | undefined)?.[by];
    const member = typeof name === "string" ? known.get(name) : undefined;
    return member === undefined ? unknownType(by, name, known) : member["~standard"].validate(value);
  }) as UnionSchema<M>;
}

/** What `channel()` takes for types that a header tells apart. */
export interface HeaderUnion<M extends Members> {
  readonly schema: StandardSchema<TaggedInput<M>, TaggedOutput<M>>;
  readonly codec: Codec<unknown>;
}

/**
 * Several types on one channel, told apart by a header: payloads need no field for it. Handlers get, and `publish` takes,
 * `{ type, value }`; what travels is the value, and the header.
 *
 * @example
 * const shop = channel("shop", unionByHeader("event-type", { placed: Placed, paid: Paid }));
 */
export function unionByHeader<const M extends Members>(
  header: string,
  members: M,
  codec: Codec<unknown> = json,
): HeaderUnion<M> {
  checkName("unionByHeader(header, members): header", header);
  checkCodec("unionByHeader(header, members, codec): codec", codec);
  const known = checkMembers("unionByHeader(header, members): members", members);
  const schema = schemaOf((tagged) => {
    const { type, value } = (tagged ?? {}) as { readonly type?: unknown; readonly value?: unknown };
    const member = typeof type === "string" ? known.get(type) : undefined;
    if (member === undefined) return unknownType("type", type, known);
    const tag = (result: SchemaResult<unknown>): SchemaResult<unknown> =>
      result.issues === undefined ? { value: { type, value: result.value } } : result;
    const result = member["~standard"].validate(value);
    return result instanceof Promise ? result.then(tag) : tag(result);
  });
  const tagging: HeaderCodec = {
    contentType: codec.contentType,
    decode: (message) => {
      const type = message.headers.get(header);
      const carried = codec.decode(message);
      return carried instanceof Promise
        ? carried.then((value: unknown) => ({ type, value }))
        : { type, value: carried };
    },
    encode: (tagged) => codec.encode((tagged as { readonly value: unknown }).value),
    headersOf: (tagged) => [[header, (tagged as { readonly type: string }).type]],
  };
  return { schema: schema as HeaderUnion<M>["schema"], codec: tagging };
}

/** A codec that says something in headers too. */
export interface HeaderCodec extends Codec<unknown> {
  readonly headersOf: (value: unknown) => Iterable<readonly [name: string, value: string]>;
}

function schemaOf(
  validate: (value: unknown) => SchemaResult<unknown> | Promise<SchemaResult<unknown>>,
): StandardSchema<unknown, unknown> {
  return { "~standard": { version: 1, vendor: "tidelane", validate } };
}

function unknownType(
  field: string,
  received: unknown,
  known: ReadonlyMap<string, unknown>,
): SchemaResult<unknown> {
  const names = Array.from(known.keys(), show).join(" or ");
  return { issues: [{ message: `must be ${names}; received ${show(received)}`, path: [field] }] };
}

/** As a map: a message may name its type "constructor". */
function checkMembers(argument: string, members: Members): ReadonlyMap<string, StandardSchema> {
  checkObject(argument, members, "an object of schemas by the names of their types");
  const known = new Map(Object.entries(members));
  if (known.size === 0) {
    throw new InvalidArgumentError({
      argument,
      expected: "an object with at least one schema",
      received: members,
    });
  }
  for (const [name, schema] of known) checkSchema(`${argument}.${name}`, schema);
  return known;
}
