import { PassThrough, Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WriteGathering } from "../../../../src/brokers/amqp/connection/write-gathering.ts";

/** A socket that keeps what each write brought. */
function socket(highWaterMark: number) {
  const writes: string[] = [];
  const stream = new Writable({
    highWaterMark,
    write(chunk, _, done) {
      writes.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => String(chunk)).join(""));
      setImmediate(done);
    },
  });
  return { stream, writes };
}

/** As the client has it: what a channel was given is moved to the socket, one by one, by an immediate set in a tick. */
function channelOf(stream: Writable): (frame: string) => void {
  const buffer = new PassThrough({ objectMode: true, highWaterMark: 1024 });
  let full = false;
  const move = (): void => {
    for (let frame = full ? null : buffer.read(); frame !== null; frame = full ? null : buffer.read()) {
      full = !stream.write(frame);
    }
  };
  stream.on("drain", () => {
    full = false;
    move();
  });
  buffer.on("readable", () => void setImmediate(move));
  return (frame) => void buffer.write(Buffer.from(frame));
}

async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await turn();
}

describe("what is sent in one turn of the event loop", () => {
  it("goes in one write, and before the next turn is over", async () => {
    const { stream, writes } = socket(1024);
    const send = channelOf(stream);
    const gathering = new WriteGathering(stream);
    for (const frame of ["a", "b", "c"]) {
      send(frame);
      gathering.gather();
    }
    await turns(2);
    expect(writes).toEqual(["abc"]);
    send("d");
    gathering.gather();
    await turns(2);
    expect(writes).toEqual(["abc", "d"]);
  });

  it("is written one by one where the client has no socket to show", async () => {
    const { stream, writes } = socket(1024);
    const send = channelOf(stream);
    const gathering = new WriteGathering(undefined);
    for (const frame of ["a", "b"]) {
      send(frame);
      gathering.gather();
    }
    await turns(2);
    expect(writes).toEqual(["a", "b"]);
  });

  it("is no matter when the socket is gone by then", async () => {
    const { stream, writes } = socket(1024);
    const send = channelOf(stream);
    stream.on("error", () => {});
    send("a");
    new WriteGathering(stream).gather();
    stream.destroy();
    await turns(3);
    expect(writes).toEqual([]);
  });

  it("is the same bytes as ungathered, whatever comes when, and leaves nothing behind", async () => {
    const step = fc.record({
      frame: fc.string({ maxLength: 20 }).map((text) => `<${text}>`),
      gathered: fc.boolean(),
      /** Past the channel, as heartbeats go. */
      direct: fc.boolean(),
      turnsAfter: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 200 }),
        async (steps, room) => {
          const { stream, writes } = socket(room);
          const send = channelOf(stream);
          const gathering = new WriteGathering(stream);
          for (const { frame, gathered, direct, turnsAfter } of steps) {
            if (direct) stream.write("!");
            else send(frame);
            if (gathered) gathering.gather();
            await turns(turnsAfter);
          }
          await turns(4 * steps.length + 4);
          const sent = steps.flatMap(({ frame, direct }) => (direct ? [] : [frame]));
          const beats = steps.filter(({ direct }) => direct).length;
          const all = writes.join("");
          expect(all.replaceAll("!", "")).toBe(sent.join("").replaceAll("!", ""));
          expect(all.split("!").length).toBe(sent.join("").split("!").length + beats);
          expect(stream.writableCorked).toBe(0);
          expect(stream.writableLength).toBe(0);
        },
      ),
    );
  });
});
