import { expect, it } from "vitest";
import { ClosableConnection } from "../../../src/brokers/shared/closable-connection.ts";

it("is shut down by close() and by `await using`", async () => {
  const shutdowns: string[] = [];
  class Recorded extends ClosableConnection {
    shutdown(): Promise<void> {
      shutdowns.push("shutdown");
      return Promise.resolve();
    }
  }
  await new Recorded().close();
  await new Recorded()[Symbol.asyncDispose]();
  expect(shutdowns).toEqual(["shutdown", "shutdown"]);
});
