import { isIP, connect as openTcp, type Socket } from "node:net";
import { connect as openTls } from "node:tls";
import type { ClientConfig, SocketFactoryArgs } from "../client.ts";

type SocketFactory = NonNullable<ClientConfig["socketFactory"]>;

const keepAliveMs = 60_000;

/**
 * Sockets that pass on whole answers only. kafkajs keeps the beginning of an answer when its socket ends, and takes the
 * bytes of the next socket for the rest. The error that follows ends the process (tulios/kafkajs#715).
 */
export function framedSockets(open: SocketFactory = openSocket): SocketFactory {
  return (args) => {
    const socket = open(args);
    const on = socket.on.bind(socket) as (event: string, listener: (...args: never[]) => void) => Socket;
    const framed = (event: string, listener: (...args: never[]) => void): Socket =>
      on(event, event === "data" ? whole(socket, listener as (frame: Buffer) => void) : listener);
    socket.on = framed as Socket["on"];
    return socket;
  };
}

function whole(socket: Socket, listener: (frame: Buffer) => void): (chunk: Buffer) => void {
  const frames = new Frames();
  return (chunk) => {
    // If an answer comes after kafkajs has ended the connection, kafkajs looks for requests to send every millisecond and
    // never stops: the process would not end by itself (tulios/kafkajs#1704).
    if (socket.destroyed || socket.writableEnded) return;
    try {
      for (const frame of frames.take(chunk)) listener(frame);
    } catch (error) {
      // The connection is of no more use. kafkajs hears of it as of any that broke.
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

/** As kafkajs opens them. */
function openSocket({ host, port, ssl, onConnect }: SocketFactoryArgs): Socket {
  const name = isIP(host) ? {} : { servername: host };
  const socket = ssl
    ? openTls({ host, port, ...name, ...(typeof ssl === "object" ? ssl : {}) }, onConnect)
    : openTcp({ host, port }, onConnect);
  socket.setKeepAlive(true, keepAliveMs);
  return socket;
}

const sizeBytes = 4;

/** Puts the answers of a server together again: four bytes that say how many follow, and those. */
export class Frames {
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** How many bytes there have to be before it is worth looking at them. */
  #needed = sizeBytes;

  /** The answers that are complete with this chunk, each with its size. Throws on a size that cannot be. */
  take(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    if (this.#buffered < this.#needed) return [];
    const [only] = this.#chunks;
    let rest = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    const frames: Buffer[] = [];
    this.#needed = sizeOf(rest);
    while (rest.byteLength >= this.#needed) {
      frames.push(rest.subarray(0, this.#needed));
      rest = rest.subarray(this.#needed);
      this.#needed = sizeOf(rest);
    }
    this.#chunks = rest.byteLength > 0 ? [rest] : [];
    this.#buffered = rest.byteLength;
    return frames;
  }
}

/** Of the first frame with its size; of the size alone where not even that is there. */
function sizeOf(bytes: Buffer): number {
  if (bytes.byteLength < sizeBytes) return sizeBytes;
  const size = bytes.readInt32BE(0);
  if (size < 0) throw new RangeError(`an answer of ${size} bytes: what listens there does not speak Kafka`);
  return sizeBytes + size;
}
