import { describe, expect, it } from "vitest";
import { parseAddress } from "../../../../src/brokers/amqp/connection/address.ts";
import { showAddress } from "../../../../src/brokers/amqp/errors.ts";

describe("parseAddress", () => {
  it("reads every part, decoded", () => {
    const url = "amqps://us%40er:p%2Fass@rabbit.example:5673/%2Fprod?heartbeat=5&frameMax=8192&channelMax=9";
    expect(parseAddress("url", url)).toEqual({
      protocol: "amqps",
      host: "rabbit.example",
      port: 5673,
      vhost: "/prod",
      username: "us@er",
      password: "p/ass",
      heartbeat: 5,
      frameMax: 8_192,
      channelMax: 9,
    });
  });

  it("has the defaults of the protocol", () => {
    expect(parseAddress("url", "amqp://localhost")).toMatchObject({
      port: 5672,
      vhost: "/",
      username: "guest",
      password: "guest",
      heartbeat: undefined,
    });
    expect(parseAddress("url", "amqps://localhost")).toMatchObject({ port: 5671 });
  });

  it("reads and shows addresses of IPv6", () => {
    const address = parseAddress("url", "amqp://[::1]:5672");
    expect(address.host).toBe("::1");
    expect(showAddress(address)).toBe("[::1]:5672");
  });

  it("takes digits of a password, and of an address, for no port", () => {
    expect(parseAddress("url", "amqp://user:99999@host")).toMatchObject({ port: 5672, password: "99999" });
    expect(parseAddress("url", "amqp://[::99]")).toMatchObject({ port: 5672, host: "::99" });
    expect(parseAddress("url", "amqp://host:65535").port).toBe(65_535);
  });

  it.each([
    ["http://user:secret@host", "the protocol http"],
    ["user:secret@host", "the protocol user"],
    ["amqp://user:sec ret:x@host:port", "does not parse"],
    ["amqp://user:secret@host/a/b", "%2F"],
    ["amqp://user:secret@host?timeout=5", "a parameter other than heartbeat, frameMax and channelMax"],
    ["amqp://user:1?secret", "a parameter other than"],
    ["amqp://user:secret@host?heartbeat=soon", "heartbeat that is no whole number"],
    ["amqp://user:sec%ret@host", "percent sign"],
    ["amqp://guest:s/secret#1@host", "percent-encoded login: @ is %40"],
    ["amqp://guest:p@secret/word#1@host", "percent-encoded login: @ is %40"],
    ["amqps://guest:secret?x@host:5671/shop", "percent-encoded"],
    ["amqp://user:secret@host:99999/shop", "the port 99999, which is not between 1 and 65535"],
    ["amqp://[::1]:65536", "the port 65536"],
    ["amqp://host:0", "the port 0"],
    [5, "number"],
  ])("refuses %s without showing it", (url, reason) => {
    const fault = (() => {
      try {
        parseAddress("options.url", url);
        return undefined;
      } catch (error) {
        return error as Error;
      }
    })();
    expect(fault).toMatchObject({ code: "TIDELANE_INVALID_ARGUMENT", argument: "options.url" });
    expect(fault?.message.replaceAll('\\"', '"')).toContain(reason);
    expect(fault?.message).not.toMatch(/secret|sec%ret|sec ret/);
  });
});
