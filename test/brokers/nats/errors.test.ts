import * as natsIo from "@nats-io/nats-core";
import * as nats from "nats";
import { describe, expect, it } from "vitest";
import { connectError, permissionOf } from "../../../src/brokers/nats/errors.ts";
import { Secrets } from "../../../src/brokers/shared/secrets.ts";

const secrets = new Secrets(["hunter2"]);
const { errors } = natsIo;

function said(error: unknown): { message: string; retryable: boolean } {
  const { message, retryable } = connectError("nats", "a:4222", error, secrets);
  return { message, retryable };
}

describe("a connection that cannot be made", () => {
  it.each([
    [
      nats.NatsError.errorForCode(nats.ErrorCode.ConnectionRefused, new Error("x")),
      "nothing listens there",
      true,
    ],
    [new errors.ConnectionError("connection refused"), "nothing listens there", true],
    [nats.NatsError.errorForCode(nats.ErrorCode.Timeout), "no NATS server answered in time", true],
    [new errors.TimeoutError(), "no NATS server answered in time", true],
    [new nats.NatsError("x", nats.ErrorCode.AuthorizationViolation), "refused the credentials", false],
    [new errors.AuthorizationError("x"), "refused the credentials", false],
    [new errors.UserAuthenticationExpiredError("x"), "have expired", false],
    [new nats.NatsError("tls", nats.ErrorCode.ServerOptionNotAvailable), "does not offer it", false],
    [new errors.ConnectionError("server does not support 'tls'"), "does not offer it", false],
    [Object.assign(new Error("x"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), "not trusted", false],
    [Object.assign(new Error("x"), { code: "ENOTFOUND" }), "no such host", true],
    [Object.assign(new Error("x"), { code: "EAI_AGAIN" }), "no such host", true],
    [Object.assign(new Error("x"), { code: "EHOSTUNREACH" }), "no way leads to that host", true],
    [Object.assign(new Error("x"), { code: "ENETUNREACH" }), "no way leads to that host", true],
    [Object.assign(new Error("x"), { code: "ETIMEDOUT" }), "no NATS server answered in time", true],
    [new Error("unexpected response from server"), "no NATS server", false],
    [undefined, "ended the connection", false],
  ])("says why: %s", (error, reason, retryable) => {
    const told = said(error);
    expect(told.message).toContain(reason);
    expect(told.message).toContain("a:4222");
    expect(told.retryable).toBe(retryable);
  });

  it("says it for what is at the bottom of wrappers", () => {
    const bottom = Object.assign(new Error("x"), { code: "ENOTFOUND" });
    expect(said(new Error("top", { cause: new Error("middle", { cause: bottom }) })).message).toContain(
      "no such host",
    );
  });

  it("never shows a credential", () => {
    const error = connectError("nats", "a", new Error("user joe hunter2 is unknown"), secrets);
    expect(error.message).toContain("user joe *** is unknown");
    expect(String((error.cause as Error).stack)).not.toContain("hunter2");
  });
});

describe("a refusal", () => {
  it("is read from both clients", () => {
    const wanted = { operation: "publish", subject: "a" };
    expect(permissionOf({ type: "error", data: "x", permissionContext: wanted })).toEqual(wanted);
    expect(
      permissionOf({ type: "error", error: new errors.PermissionViolationError("x", "publish", "a") }),
    ).toEqual(wanted);
    expect(permissionOf(new errors.PermissionViolationError("x", "subscription", "b"))).toEqual({
      operation: "subscription",
      subject: "b",
    });
    expect(permissionOf(new Error("x"))).toBeUndefined();
    expect(permissionOf(undefined)).toBeUndefined();
  });
});
