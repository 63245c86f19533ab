import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  type Codec,
  type Connection,
  type Decoded,
  type ErrorCode,
  isTidelaneError,
  type Message,
  type StandardSchema,
  type Subscriber,
  type SubscriptionSource,
  type TidelaneError,
} from "../../src/traits/index.ts";

interface Wide extends Connection {
  readonly region: string;
}
interface Other extends Connection {
  readonly zone: string;
}
interface Deep extends Subscriber {
  readonly depth: number;
}
declare const wide: Wide;
declare const other: Other;
declare const source: SubscriptionSource<Wide, Deep>;

describe("subscribing to a source", () => {
  it("gives the subscriber of the source", () => {
    expectTypeOf(wide.subscribe(source)).resolves.toEqualTypeOf<Deep>();
  });

  it("takes a connection the source can open itself on", () => {
    // @ts-expect-error a source of Wide needs what Wide has
    void other.subscribe(source);
  });
});

describe("Decoded", () => {
  it("is the value of a codec, and the output of a Standard Schema", () => {
    const schema = z.string().transform((text) => text.length);
    expectTypeOf<Decoded<Codec<Date>>>().toEqualTypeOf<Date>();
    expectTypeOf<Decoded<typeof schema>>().toEqualTypeOf<number>();
  });

  it("takes whatever the specification of Standard Schema describes", () => {
    expectTypeOf<StandardSchemaV1<string, Date>>().toExtend<StandardSchema<string, Date>>();
    expectTypeOf<Decoded<StandardSchemaV1<string, Date>>>().toEqualTypeOf<Date>();
  });

  it("is nothing for anything else", () => {
    expectTypeOf<Decoded<{ parse: () => string }>>().toBeNever();
  });
});

describe("Message", () => {
  it("gives JSON as unknown and settles to nothing", () => {
    expectTypeOf<ReturnType<Message["json"]>>().toBeUnknown();
    expectTypeOf<ReturnType<Message["ack"]>>().resolves.toBeVoid();
  });

  it("is not settled by code outside the adapter", () => {
    const settle = (message: Message): void => {
      // @ts-expect-error the hooks are protected: they bypass the single-use guard
      void message.sendAck();
    };
    expectTypeOf(settle).toBeFunction();
  });
});

describe("isTidelaneError", () => {
  it("narrows, and takes only codes that exist", () => {
    const error: unknown = undefined;
    if (isTidelaneError(error, "TIDELANE_TIMEOUT")) expectTypeOf(error).toEqualTypeOf<TidelaneError>();
    expectTypeOf<TidelaneError["code"]>().toEqualTypeOf<ErrorCode>();
    // @ts-expect-error no such code
    isTidelaneError(error, "TIDELANE_TIMEOUTS");
  });
});
