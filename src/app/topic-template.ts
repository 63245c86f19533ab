import { checkName } from "../traits/arguments.ts";
import { InvalidArgumentError, InvalidMessageError } from "../traits/errors.ts";
import { show } from "../traits/show.ts";

/** The parameters of a topic, as a type: `{ tenant: string }` for `"orders.{tenant}"`. */
export type TopicParams<Topic extends string> = string extends Topic
  ? Readonly<Record<string, string>>
  : { readonly [Name in ParamName<Topic>]: string };

type ParamName<Topic extends string> = Topic extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamName<Rest>
  : never;

/** A token of a topic: a text, or the name of the parameter that stands there. */
type Token = { readonly text: string } | { readonly param: string };

const paramToken = /^\{([A-Za-z_]\w*)\}$/;

/** Separates or stands for tokens on some broker, so a value with one of these would change the topic's shape there. */
const syntax = /[.*>#+/\s\p{Cc}\p{Cs}]/u;

/** A topic that may have parameters, each a whole token between dots. */
export class TopicTemplate {
  readonly text: string;
  readonly params: readonly string[];
  readonly #tokens: readonly Token[];

  /** `argument` is where it was given, as the caller wrote it. */
  constructor(argument: string, text: string) {
    checkName(argument, text);
    this.text = text;
    this.#tokens = text.split(".").map((token) => readToken(argument, text, token));
    this.params = this.#tokens.flatMap((token) => ("param" in token ? [token.param] : []));
    if (new Set(this.params).size === this.params.length) return;
    const expected = "a topic that names each parameter once";
    throw new InvalidArgumentError({ argument, expected, received: text });
  }

  /** The pattern that all its topics match: `orders.*`. */
  get pattern(): string {
    return this.#tokens.map((token) => ("param" in token ? "*" : token.text)).join(".");
  }

  /** The topic with its parameters filled in. Throws `InvalidMessageError` on a value that cannot be a token. */
  fill(given: Readonly<Record<string, unknown>> | undefined): string {
    for (const name of Object.keys(given ?? {})) {
      if (!this.params.includes(name)) this.#refuse(`it has no parameter "${name}"; ${this.#known()}`);
    }
    if (this.params.length === 0) return this.text;
    return this.#tokens
      .map((token) => ("param" in token ? this.#value(token.param, given?.[token.param]) : token.text))
      .join(".");
  }

  /** The parameters of a topic that was filled from it; `undefined` where the topic has another shape. */
  read(topic: string): Readonly<Record<string, string>> | undefined {
    const tokens = topic.split(".");
    if (tokens.length !== this.#tokens.length) return undefined;
    const params: Record<string, string> = {};
    for (const [index, token] of this.#tokens.entries()) {
      const found = tokens[index] as string;
      if ("param" in token) params[token.param] = found;
      else if (token.text !== found) return undefined;
    }
    return params;
  }

  #value(name: string, value: unknown): string {
    if (value === undefined) this.#refuse(`params.${name} is missing`);
    if (typeof value === "string" && value !== "" && !syntax.test(value)) return value;
    return this.#refuse(
      `params.${name} is ${show(value)}; it must be a non-empty string without spaces and ". * > # + /"`,
    );
  }

  #known(): string {
    return this.params.length === 0 ? "it has none" : `it has ${this.params.join(", ")}`;
  }

  #refuse(reason: string): never {
    throw new InvalidMessageError({ topic: this.text, reason });
  }
}

function readToken(argument: string, topic: string, token: string): Token {
  const [, param] = paramToken.exec(token) ?? [];
  if (param !== undefined) return { param };
  const expected = expectedShape(token);
  if (expected === undefined) return { text: token };
  throw new InvalidArgumentError({ argument, expected, received: topic });
}

function expectedShape(token: string): string | undefined {
  if (/[{}]/.test(token)) return 'a topic whose parameters are whole tokens, as in "orders.{tenant}"';
  if (token === "*" || token === ">")
    return 'a topic without wildcards: name the token, as in "orders.{tenant}"';
  return undefined;
}
