import * as natsIo from "@nats-io/transport-node";
import * as nats from "nats";
import { describe, expect, it } from "vitest";
import type {
  ClientAuthenticator,
  ClientConnection,
  ClientModule,
} from "../../../src/brokers/nats/client.ts";

// Most of this file is checked by the compiler: a client that does not have the declared subset does not compile.
const modules: Readonly<Record<string, ClientModule>> = { nats, "@nats-io/transport-node": natsIo };
const ofNats = (connection: nats.NatsConnection): ClientConnection => connection;
const ofNatsIo = (connection: natsIo.NatsConnection): ClientConnection => connection;
const authenticators: readonly ClientAuthenticator[] = [
  nats.nkeyAuthenticator(new Uint8Array()),
  nats.credsAuthenticator(new Uint8Array()),
  natsIo.nkeyAuthenticator(new Uint8Array()),
  natsIo.credsAuthenticator(new Uint8Array()),
];

describe("the declared subset", () => {
  it.each(Object.entries(modules))("is what %s has", (_name, module) => {
    expect(typeof module.connect).toBe("function");
    const headers = module.headers();
    headers.append("a", "1");
    headers.append("A", "2");
    headers.append("a", "3");
    expect([...headers]).toEqual([
      ["a", ["1", "3"]],
      ["A", ["2"]],
    ]);
    expect({ code: headers.code, description: headers.description }).toEqual({ code: 0, description: "" });
  });

  it("fits connections and authenticators of both", () => {
    expect([ofNats, ofNatsIo, ...authenticators].every((one) => typeof one === "function")).toBe(true);
  });
});
