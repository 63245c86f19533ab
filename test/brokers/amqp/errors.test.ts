import { describe, expect, it } from "vitest";
import { parseAddress } from "../../../src/brokers/amqp/connection/address.ts";
import {
  channelFault,
  connectFailure,
  isProtocolFault,
  publishFailure,
  readFault,
  subscriptionFailure,
  unroutable,
} from "../../../src/brokers/amqp/errors.ts";
import { Secrets } from "../../../src/brokers/shared/secrets.ts";

const address = parseAddress("url", "amqp://ann:opensesame@rabbit:5672/shop");
const secrets = new Secrets(["opensesame"]);

/** As amqplib 2.3 makes them. */
function refused(code: number, name: string, text: string): Error {
  const error = new Error(
    `Operation failed: QueueDeclare; ${code} (${name.replace("_", "-")}) with message "${name} - ${text}"`,
  );
  return Object.assign(error, { code });
}

function failure(error: unknown, url = "amqp://ann:opensesame@rabbit:5672/shop") {
  return connectFailure("rabbitmq", parseAddress("url", url), error, secrets);
}

describe("readFault", () => {
  it("finds the code and what the server said", () => {
    expect(readFault(refused(404, "NOT_FOUND", "no queue 'a' in vhost '/'"))).toEqual({
      code: 404,
      text: "no queue 'a' in vhost '/'",
    });
    const handshake =
      'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - no."';
    expect(readFault(new Error(handshake))).toEqual({ code: 403, text: "no" });
  });

  it("takes anything", () => {
    expect(readFault("gone")).toEqual({ code: undefined, text: "gone" });
    expect(readFault(new Error("Heartbeat timeout"))).toEqual({ code: undefined, text: "Heartbeat timeout" });
  });
});

describe("a failed connect says in one sentence what to do", () => {
  it.each([
    [{ code: "ECONNREFUSED" }, /nothing listens there/, true],
    [{ code: "ENOTFOUND" }, /the host name is not known/, true],
    [{ code: "EPROTO" }, /does not speak TLS; use amqp:/, false],
    [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, /not trusted; give the one of its issuer in tls.ca/, false],
    [
      {
        message:
          'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
      },
      /refused the user name or the password/,
      false,
    ],
    [
      { message: "Expected ConnectionOpenOk; got <ConnectionClose channel:0>" },
      /no virtual host "shop", or this user/,
      false,
    ],
    [
      { message: "Socket closed abruptly during opening handshake" },
      /if it expects TLS, use an amqps: URL/,
      true,
    ],
    [{ code: "ECONNRESET" }, /if it expects TLS, use an amqps: URL/, true],
    [{ message: "Invalid frame" }, /does not speak AMQP 0-9-1/, false],
    [{ message: "no answer in 10000 ms" }, /no answer in 10000 ms/, true],
  ])("%j", (facts, reason, retryable) => {
    const fault = failure(Object.assign(new Error("message" in facts ? facts.message : "x"), facts));
    expect(fault).toMatchObject({ code: "TIDELANE_CONNECT_FAILED", retryable });
    expect(fault.message).toMatch(reason);
    expect(fault.message).toMatch(/^Connecting to "rabbitmq" failed: rabbit:5672: /);
  });

  it("asks whether TLS is expected at all", () => {
    const fault = failure(new Error("Socket closed abruptly during opening handshake"), "amqps://rabbit");
    expect(fault.message).toMatch(/if it expects no TLS, use an amqp: URL/);
  });
});

describe("credentials", () => {
  it("stay out of the message and the cause", () => {
    const fault = failure(new Error("something about opensesame"));
    expect(fault.message).not.toContain("opensesame");
    expect(String((fault.cause as Error).stack)).not.toContain("opensesame");
  });

  it("are not half told by the name of the user", () => {
    const text = "access to queue 'a' in vhost '/' refused for user 'ann'";
    const fault = subscriptionFailure("a", refused(403, "ACCESS_REFUSED", text), secrets);
    expect(fault.message).toContain("refused for this user");
    expect(`${fault.message} ${(fault.cause as Error).message}`).not.toContain("ann");
  });
});

describe("channelFault", () => {
  it.each([
    [
      404,
      "NOT_FOUND",
      "no queue 'a' in vhost '/'",
      /the queue "a" does not exist; subscribe with create: true, or create it first/,
      true,
    ],
    [404, "NOT_FOUND", "no exchange 'x' in vhost '/'", /the exchange "x" does not exist/, true],
    [
      404,
      "NOT_FOUND",
      "home node 'n' of durable queue 'a' in vhost '/' is down or inaccessible",
      /is down/,
      false,
    ],
    [
      406,
      "PRECONDITION_FAILED",
      "inequivalent arg 'x-queue-type' for queue 'a'",
      /it exists with other settings/,
      true,
    ],
    [
      403,
      "ACCESS_REFUSED",
      "queue 'a' in vhost '/' in exclusive use",
      /another consumer or connection uses it exclusively/,
      false,
    ],
    [
      405,
      "RESOURCE_LOCKED",
      "cannot obtain exclusive access to locked queue 'a'",
      /another consumer or connection uses it exclusively/,
      false,
    ],
    [403, "ACCESS_REFUSED", "access to queue 'a' refused", /the server refuses it/, true],
    [
      406,
      "PRECONDITION_FAILED",
      "delivery acknowledgement on channel 1 timed out",
      /not settled in the time/,
      false,
    ],
    [540, "NOT_IMPLEMENTED", "exclusive", /exclusive/, true],
    [541, "INTERNAL_ERROR", "oops", /oops/, false],
  ])("%i %s %s", (code, name, text, reason, final) => {
    const fault = channelFault(refused(code, name, text));
    expect(fault.reason).toMatch(reason);
    expect(fault.final).toBe(final);
  });

  it("knows what ends a whole connection", () => {
    expect(isProtocolFault(refused(503, "COMMAND_INVALID", "unknown exchange type"))).toBe(true);
    expect(isProtocolFault(refused(541, "INTERNAL_ERROR", "oops"))).toBe(false);
    expect(isProtocolFault(new Error("Unexpected close"))).toBe(false);
  });

  it("says of a publish whether to try again", () => {
    const gone = refused(404, "NOT_FOUND", "no exchange 'x' in vhost '/'");
    expect(publishFailure("a", gone, secrets)).toMatchObject({ topic: "a", retryable: false });
    expect(publishFailure("a", refused(541, "INTERNAL_ERROR", "oops"), secrets).retryable).toBe(true);
  });
});

describe("a sentence", () => {
  const texts = [
    "no queue 'a' in vhost '/'",
    "no exchange 'a.' in vhost '/'",
    "inequivalent arg 'x' for queue 'a'.",
    "queue 'a' in exclusive use.",
    "access refused for user 'ann'.",
    "unknown exchange type 'x'.",
    "delivery acknowledgement timed out..",
    "message size 9 is larger than configured max size 8. ",
    "Socket closed abruptly.",
    "Invalid frame.",
    "vhost shop not found.",
    'The message for "a" was not confirmed: publish with mandatory: false.',
  ];
  it.each(texts)("ends with one full stop, whatever the server said: %s", (text) => {
    for (const code of [403, 404, 405, 406, 541]) {
      const error = refused(code, "SOME_NAME", text);
      const plain = new Error(text);
      for (const { message } of [
        failure(error),
        failure(plain),
        subscriptionFailure("a", error, secrets),
        subscriptionFailure("a", plain, secrets),
        publishFailure("a", error, secrets),
        unroutable("a", "", "a"),
        unroutable("a", "x", "a"),
      ]) {
        expect(message).toMatch(/[^.;:,\s]\.$/);
        expect(message).not.toMatch(/\.\.|\.[;,]/);
      }
    }
  });
});

it("shows the address without the login", () => {
  expect(failure(new Error("x")).message).not.toContain(address.username);
});
