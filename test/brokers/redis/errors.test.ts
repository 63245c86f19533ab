import { describe, expect, it } from "vitest";
import { connectFailure, publishFailure, streamFault } from "../../../src/brokers/redis/errors.ts";
import { Secrets } from "../../../src/brokers/shared/secrets.ts";

const secrets = new Secrets(["hunter2"]);
const address = { host: "a", port: 6379, database: 99 };

function coded(code: string): Error {
  return Object.assign(new Error("x"), { code });
}

describe("a connection that cannot be made", () => {
  it.each([
    [coded("ECONNREFUSED"), "nothing listens there", true],
    [coded("ENOTFOUND"), "the host name is not known", true],
    [coded("DEPTH_ZERO_SELF_SIGNED_CERT"), "not trusted", false],
    [new Error("WRONGPASS invalid username-password pair"), "refused the user name or the password", false],
    [new Error("NOAUTH Authentication required."), "wants a user name and a password", false],
    [new Error("ERR AUTH <password> called without any password configured"), "has no password", false],
    [new Error("ERR DB index is out of range"), "has no database 99", false],
    [new Error("LOADING Redis is loading the dataset in memory"), "loading", true],
    [new Error("Socket closed unexpectedly"), "closed the connection in the handshake", true],
    [new Error("Unknown RESP type 72"), "is no Redis", false],
    [new Error("Connection timeout"), "Connection timeout", true],
    [new Error("hunter2 it said"), "*** it said", true],
  ])("says why: %s", (error, reason, retryable) => {
    const failure = connectFailure("redis", address, error, secrets);
    expect(failure.message).toContain(reason);
    expect(failure.message).toContain("a:6379");
    expect(failure.retryable).toBe(retryable);
    expect(`${failure.message} ${String(failure.cause)}`).not.toContain("hunter2");
  });
});

describe("what the server refuses", () => {
  it.each([
    ["WRONGTYPE Operation against a key", 'the key "s" holds something else', true],
    ["NOGROUP No such key", 'the stream "s" or its group does not exist', true],
    ["NOPERM this user has no permissions", "grant the user that", true],
    ["OOM command not allowed", "out of memory", false],
    ["MISCONF Redis is configured to save", "does not write", false],
    ["READONLY You can't write against a read only replica", "read only replica", false],
    ["Socket closed unexpectedly", "closed unexpectedly", false],
    ["ERR something", "something", true],
  ])("%s", (said, reason, final) => {
    const fault = streamFault("s", new Error(said));
    expect(fault.reason).toContain(reason);
    expect(fault.final).toBe(final);
    expect(publishFailure("s", new Error(said), secrets).retryable).toBe(!final);
  });
});
