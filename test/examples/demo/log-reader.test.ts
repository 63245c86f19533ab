import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  InputError,
  openFault,
  openInput,
  type RawLine,
  readLines,
} from "../../../examples/demo/log-reader.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? encoder.encode(part) : part;
}

interface TextLine {
  readonly number: number;
  readonly text: string;
  readonly fault?: RawLine["fault"];
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<TextLine[]> {
  const lines: TextLine[] = [];
  for await (const { bytes, ...rest } of readLines(stream, "The log")) {
    lines.push({ ...rest, text: decoder.decode(bytes) });
  }
  return lines;
}

describe("readLines", () => {
  it("numbers the lines from 1 and leaves out their ends", async () => {
    expect(await read(chunks("a\nb\r\n\nc\n"))).toEqual([
      { number: 1, text: "a" },
      { number: 2, text: "b" },
      { number: 3, text: "" },
      { number: 4, text: "c" },
    ]);
  });

  it("reads the same lines however the bytes come in pieces", async () => {
    const text = "one\ntwo\r\n\nünïcode → four\nfive\n";
    const bytes = encoder.encode(text);
    const whole = await read(chunks(bytes));
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const edges = [0, ...places.sort((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
        expect(await read(chunks(...pieces))).toEqual(whole);
      }),
    );
  });

  it("says that a last line without its end is truncated, even when it looks whole", async () => {
    expect(await read(chunks("a\nb"))).toEqual([
      { number: 1, text: "a" },
      { number: 2, text: "b", fault: "truncated" },
    ]);
  });

  it("cuts a line without end, keeps no more than 64 KiB of it and goes on with the next", async () => {
    const lines = await read(chunks(...Array.from({ length: 50 }, () => "x".repeat(10_000)), "\nb\n"));
    expect(lines).toEqual([
      { number: 1, text: "x".repeat(64 * 1024), fault: "tooLong" },
      { number: 2, text: "b" },
    ]);
  });

  it.each([
    ["is empty", [], "The log is empty: there is nothing to replay."],
    ["has only empty pieces", ["", ""], "The log is empty: there is nothing to replay."],
    ["has a zero byte", ["2025\0\n"], "The log is binary data and not a text log."],
    [
      "is mostly unreadable",
      [Uint8Array.from({ length: 200 }, (_, at) => 128 + (at % 100))],
      "The log is binary data and not a text log.",
    ],
    ["is a gzip file", [Uint8Array.of(0x1f, 0x8b, 8, 8)], "The log is compressed with gzip"],
  ])("refuses input that %s, before the first line", async (_, parts, sentence) => {
    const lines = readLines(chunks(...parts), "The log");
    await expect(lines.next()).rejects.toThrow(sentence);
    await expect(readLines(chunks(...parts), "The log").next()).rejects.toThrow(InputError);
  });

  it("lets a bad byte in a long text pass: its line is set aside later", async () => {
    const lines = await read(chunks("good line\n".repeat(20), Uint8Array.of(0xff), "\n"));
    expect(lines).toHaveLength(21);
  });

  it("lets a zero byte after a readable beginning pass", async () => {
    expect(await read(chunks("good line\n", "\0\0\n"))).toHaveLength(2);
  });

  it("reports a stream that fails as an input error", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield encoder.encode("a\nb");
      throw new Error("EIO: i/o error, read");
    }
    await expect(read(failing())).rejects.toThrow(
      new InputError("The log cannot be read: EIO: i/o error, read."),
    );
  });

  it("ends without a word when its signal fires, and makes no line of what was cut off by that", async () => {
    const controller = new AbortController();
    async function* waiting(): AsyncGenerator<Uint8Array> {
      yield encoder.encode("a\nb");
      controller.abort();
      throw new Error("aborted");
    }
    const lines = [];
    for await (const line of readLines(waiting(), "The log", controller.signal)) lines.push(line.number);
    expect(lines).toEqual([1]);
  });
});

describe("openInput", () => {
  let folder = "";
  const { signal } = new AbortController();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidelane-demo-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("opens a file", async () => {
    const path = join(folder, "a.log");
    await writeFile(path, "one\ntwo\n");
    expect(await read(await openInput(path, signal))).toHaveLength(2);
  });

  it("stops reading when the signal fires", async () => {
    const path = join(folder, "b.log");
    await writeFile(path, "one\ntwo\n");
    const controller = new AbortController();
    const stream = await openInput(path, controller.signal);
    controller.abort();
    const lines = readLines(stream, "b.log", controller.signal);
    expect(await lines.next()).toMatchObject({ done: true });
  });

  it("says what is wrong with a path", async () => {
    const missing = join(folder, "none.log");
    await expect(openInput(missing, signal)).rejects.toThrow(
      new InputError(`There is no file "${missing}".`),
    );
    await expect(openInput(join(folder, "a.log", "b"), signal)).rejects.toThrow(/^There is no file /);
    await expect(openInput(folder, signal)).rejects.toThrow(
      `"${folder}" is a directory: --file needs a log file.`,
    );
  });

  it("says that a file may not be read", () => {
    const refused = Object.assign(new Error("EACCES: permission denied, open"), { code: "EACCES" });
    expect(openFault('"x.log"', refused)).toBe('"x.log" may not be read by this user.');
  });
});
