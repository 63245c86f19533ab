import { expect, it } from "vitest";
import { ClosableConnection } from "../../../src/brokers/shared/closable-connection.ts";

it("is closed by `await using`", async () => {
  const closes: string[] = [];
  class Recorded extends ClosableConnection {
    close(): Promise<void> {
      closes.push("close");
      return Promise.resolve();
    }
  }
  await new Recorded()[Symbol.asyncDispose]();
  expect(closes).toEqual(["close"]);
});
