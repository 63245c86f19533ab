import { describe, expect, it } from "vitest";
import { readServers } from "../../../../src/brokers/nats/connection/address.ts";

describe("servers", () => {
  it.each([
    [undefined, ["127.0.0.1:4222"]],
    ["localhost", ["localhost:4222"]],
    ["nats://a:1,b:2", ["a:1", "b:2"]],
    [
      ["a", "tls://b:4443"],
      ["a:4222", "b:4443"],
    ],
    ["nats://[::1]:4222", ["[::1]:4222"]],
  ])("%j are %j", (given, servers) => {
    expect(readServers(given).servers).toEqual(servers);
  });

  it("may hold a user and a password, a token, and that TLS is wanted", () => {
    expect(readServers("nats://jo:p%40ss@a")).toMatchObject({ user: "jo", password: "p@ss", tls: false });
    expect(readServers("tls://secret@a")).toMatchObject({ token: "secret", tls: true });
    expect(readServers("nats://jo:p@a,nats://jo:p@b,c")).toMatchObject({ user: "jo", password: "p" });
  });

  it.each([
    ["http://a"],
    ["nats://"],
    [""],
    [[]],
    [5],
    ["nats://jo:p%zz@a"],
    ["nats://jo:hunter2@a,nats://bo:hunter2@b"],
    ["nats://jo:hunter2@a:port"],
    ["nats://jo:hunter2/x@a"],
    ["nats://jo:hunter2#x@a"],
    ["nats://jo:hunter2@x@a"],
    ["nats://jo:1,hunter2@a"],
    ["jo:hunter2?@a"],
  ])("%j are refused, and not shown", (given) => {
    const read = (): unknown => readServers(given as string);
    expect(read).toThrow(/options.servers must be/);
    expect(read).not.toThrow(/hunter2/);
  });

  it("say what is wrong with a login that is not percent-encoded, and with a port", () => {
    expect(() => readServers("nats://jo:p@ss/word#1@host")).toThrow("percent-encoded login: @ is %40");
    expect(() => readServers("nats://jo:1,2@host")).toThrow("the comma in it is %2C");
    for (const port of ["99999", "0", "65536"])
      expect(() => readServers(`nats://jo:p@host:${port}`)).toThrow("a port from 1 to 65535");
  });
});
