import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasUnencodedLogin } from "../../../src/brokers/shared/unencoded-login.ts";

describe("hasUnencodedLogin", () => {
  it.each([
    "amqp://guest:p@ss/word#1@host",
    "amqp://guest:p/w@host/vhost",
    "nats://token#1@host:4222",
    "nats://a:b?c@host",
    "user:p@ss@host",
    "amqp://u:p@ss@h/team@prod",
    "amqp://u:p@ss/word@host",
    "amqp://u:p#ss@h/team@prod",
  ])("finds it in %s", (url) => {
    expect(hasUnencodedLogin(url)).toBe(true);
  });

  it.each([
    "amqp://guest:guest@127.0.0.1:5672/",
    "amqp://host/vhost?heartbeat=10",
    "nats://host:4222",
    "amqp://u:p@h/team%40prod",
    "host:4222",
    "amqps://user:p%40ss%2Fword%231@host/v",
  ])("lets %s be", (url) => {
    expect(hasUnencodedLogin(url)).toBe(false);
  });

  it("never finds an encoded login wanting, whatever the password", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (password) => {
        expect(hasUnencodedLogin(`amqp://user:${encodeURIComponent(password)}@host/v`)).toBe(false);
      }),
    );
  });
});
