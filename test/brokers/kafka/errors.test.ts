import { describe, expect, it } from "vitest";
import { connectError, faultOf, publishError } from "../../../src/brokers/kafka/errors.ts";
import { Secrets } from "../../../src/brokers/shared/secrets.ts";

const none = new Secrets([]);

function clientError(name: string, fields: object = {}): Error {
  return Object.assign(new Error("Closed connection"), { name, ...fields });
}

describe("an error of kafkajs", () => {
  it.each([
    "Cannot read properties of null (reading 'topicMetadata')",
    "Cannot destructure property 'brokers' of '(intermediate value)' as it is null.",
    "Cannot destructure property 'partitions' of 'low.pop(...)' as it is undefined.",
  ])("is an outage where it stumbles over an answer that nobody gave: %s", (message) => {
    expect(faultOf(new TypeError(message), none)).toMatchObject({
      reason: "no server of the cluster had an answer",
      outage: true,
      final: false,
    });
  });

  it("is no outage where it stumbles over anything else", () => {
    expect(faultOf(new TypeError("Cannot read properties of null (reading 'x')"), none).outage).toBe(false);
  });

  it("asks for the options where the connection was closed at once, and not later", () => {
    const closed = clientError("KafkaJSConnectionClosedError", { broker: "a:1" });
    expect(connectError("kafka", closed, none).message).toBe(
      'Connecting to "kafka" failed: the server at a:1 closed the connection; check whether it wants TLS or SASL, and that the options say the same.',
    );
    expect(publishError("orders", closed, none, false).message).toBe(
      'The message for "orders" was not confirmed: the server at a:1 closed the connection.',
    );
  });

  it("is told without the credentials", () => {
    const refused = clientError("KafkaJSSASLAuthenticationError", { message: "no sesame for you" });
    const { reason, final } = faultOf(refused, new Secrets(["sesame"]));
    expect(reason).toMatch(/^the server refused the credentials: /);
    expect(reason).not.toContain("sesame");
    expect(final).toBe(true);
  });
});
