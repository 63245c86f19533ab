import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { Frames, framedSockets } from "../../../../src/brokers/kafka/connection/framed-socket.ts";

function frame(body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + body.byteLength);
  bytes.writeInt32BE(body.byteLength);
  bytes.set(body, 4);
  return bytes;
}

/** The same bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.byteLength + 1)).sort((a, b) => a - b);
  return [...sorted, bytes.byteLength].map((end, index) => bytes.subarray(sorted[index - 1] ?? 0, end));
}

describe("answers", () => {
  it("come whole and in order, however the network cuts them, and what is not complete does not come", () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 50, size: "max" }), { maxLength: 20, size: "max" });
    fc.assert(
      fc.property(bodies, fc.uint8Array({ maxLength: 3 }), fc.array(fc.nat(2_000)), (sent, begun, places) => {
        const frames = new Frames();
        const wanted = sent.map(frame);
        const chunks = cut(Buffer.concat([...wanted, begun]), places);
        expect(chunks.flatMap((chunk) => frames.take(chunk)).map(String)).toEqual(wanted.map(String));
      }),
    );
  });

  it("of a size that cannot be are an error", () => {
    const frames = new Frames();
    expect(frames.take(Buffer.of(0xff, 0xff))).toEqual([]);
    expect(() => frames.take(Buffer.of(0xff, 0xff))).toThrow("does not speak Kafka");
  });
});

describe("a socket", () => {
  /** A client's socket, and the server's end of it. */
  async function pair(): Promise<{ near: Socket; far: Socket }> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const accepted = once(server, "connection");
    const near = framedSockets()({ host: "127.0.0.1", port, ssl: undefined as never, onConnect: () => {} });
    const [far] = (await accepted) as [Socket];
    onTestFinished(() => void [near, far].map((socket) => socket.destroy()));
    return { near, far };
  }

  it("hands on whole answers", async () => {
    const { near, far } = await pair();
    const come: string[] = [];
    near.on("data", (bytes) => come.push(bytes.subarray(4).toString()));
    const ended = once(near, "end");
    far.write(frame(Buffer.from("one")));
    far.end(frame(Buffer.from("two")).subarray(0, 6));
    await ended;
    expect(come).toEqual(["one"]);
  });

  it("breaks, and not the process, where its reader throws", async () => {
    const { near, far } = await pair();
    near.on("data", () => {
      throw new RangeError("out of bounds");
    });
    const told = once(near, "error");
    far.write(frame(Buffer.from("one")));
    expect(await told).toEqual([new RangeError("out of bounds")]);
    expect(near.destroyed).toBe(true);
  });

  it("hands on nothing that comes after its reader has ended it", async () => {
    const { near, far } = await pair();
    const come: string[] = [];
    near.on("data", (bytes) => come.push(bytes.subarray(4).toString()));
    far.on("end", () => far.end(frame(Buffer.from("late"))));
    far.resume();
    const ended = once(near, "end");
    near.end();
    await ended;
    expect(near.bytesRead).toBe(8);
    expect(come).toEqual([]);
  });

  it("is the one that was asked for", () => {
    const socket = connect({ port: 1, host: "127.0.0.1" }).on("error", () => {});
    const place = { host: "a", port: 1, ssl: {}, onConnect: () => {} };
    expect(framedSockets(() => socket)(place)).toBe(socket);
  });
});
