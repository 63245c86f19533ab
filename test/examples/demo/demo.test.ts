import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTags } from "./xml.ts";

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(...argv: string[]): ChildProcessWithoutNullStreams {
  const { INIT_CWD: _, ...env } = process.env;
  return spawn(process.execPath, ["--import", "tsx", "examples/demo/main.ts", ...argv], { env });
}

async function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, out, err };
}

/** Runs the demo with `input` on standard input. */
function demo(argv: readonly string[], input: string | Uint8Array = ""): Promise<Ended> {
  const child = start(...argv);
  // A demo that refuses its arguments does not read: that is no failure of the test.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return end(child);
}

/** Resolves when the child has said `words` on standard error. */
function says(child: ChildProcessWithoutNullStreams, words: string): Promise<void> {
  return new Promise((resolve) => {
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += String(chunk);
      if (said.includes(words)) resolve();
    });
  });
}

const time = "2025-06-24 14:36:25";
const smallLog = [
  `${time} startup archives unpack`,
  `${time} install a:all <none> 1`,
  `${time} install b:all <none> 1`,
  `${time} status half-installed a:all 1`,
  `${time} status unpacked a:all 1`,
  `${time} status half-installed b:all 1`,
  "",
].join("\n");

describe("npm run demo", { timeout: 60_000 }, () => {
  let folder = "";
  let realLog = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidelane-demo-"));
    realLog = await readFile("examples/data/dpkg.log", "utf8");
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function fileWith(content: string | Uint8Array): Promise<string> {
    const path = join(folder, "some.log");
    await writeFile(path, content);
    return path;
  }

  it("replays the log that comes with it: 4,992 lines, no order violation", async () => {
    const { code, out, err } = await demo([]);
    expect(err).toBe("");
    expect(out).toMatch(/lines read +4,992\n/);
    expect(out).toMatch(/handled +4,946 /);
    expect(out).toMatch(/dead letters +46 /);
    expect(out).toMatch(/order violations +0 {2}0 by line number, 0 by state machine\n/);
    expect(Number(/wall time +([\d.]+) s/.exec(out)?.[1])).toBeLessThan(10);
    expect(code).toBe(0);
  });

  it("reads a file and draws the run", async () => {
    const svg = join(folder, "run.svg");
    const { code, out, err } = await demo([
      "--file",
      await fileWith(smallLog),
      "--svg",
      svg,
      "--workers",
      "2",
    ]);
    expect(err).toBe("");
    expect(out).toContain("some.log: 2 workers, every package in order");
    expect(out).toContain(`The timeline is in ${svg}.`);
    expect(code).toBe(0);
    const drawing = await readFile(svg, "utf8");
    expect(openTags(drawing)).toEqual([]);
    expect(drawing).toContain("some.log: 2 workers");
  });

  it("reads standard input", async () => {
    const { code, out, err } = await demo(["--file", "-"], smallLog);
    expect(err).toBe("");
    expect(out).toMatch(/^standard input: 8 workers/);
    expect(out).toMatch(/lines read +6\n/);
    expect(out).toMatch(/handled +5 +2 packages\n/);
    expect(code).toBe(0);
  });

  it("shows its help", async () => {
    const { code, out, err } = await demo(["--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("Usage: npm run demo -- [options]");
  });

  it.each([
    [["--workers", "0"], '--workers must be a whole number from 1 to 256; received "0".'],
    [["--frobnicate"], "There is no option --frobnicate; --help lists those there are."],
  ])("refuses the arguments %j: 2", async (argv, sentence) => {
    expect(await demo(argv)).toEqual({ code: 2, out: "", err: `${sentence}\nTry: npm run demo -- --help\n` });
  });

  it.each([
    ["a missing file", ["--file", "/none/such.log"], 'There is no file "/none/such.log".\n'],
    ["a directory", ["--file", "/"], '"/" is a directory: --file needs a log file.\n'],
    ["an empty input", ["--file", "-"], "Standard input is empty: there is nothing to replay.\n"],
    [
      "a place it cannot draw to",
      ["--svg", "/none/such.svg"],
      /^The timeline cannot be written to "\/none\/such.svg": ENOENT[^\n]+\n$/,
    ],
  ])("refuses %s in one sentence: 1", async (_, argv, sentence) => {
    const { code, out, err } = await demo(argv);
    expect(err).toEqual(typeof sentence === "string" ? sentence : expect.stringMatching(sentence));
    expect({ code, out }).toEqual({ code: 1, out: "" });
  });

  it.each([
    ["zero bytes", Uint8Array.from({ length: 5_000 }, (_, at) => at % 256)],
    ["bytes that are no text", Uint8Array.from({ length: 5_000 }, (_, at) => 128 + (at % 120))],
  ])("refuses binary data, %s, in one sentence: 1", async (_, bytes) => {
    const path = await fileWith(bytes);
    const err = `${JSON.stringify(path)} is binary data and not a text log.\n`;
    expect(await demo(["--file", path])).toEqual({ code: 1, out: "", err });
  });

  it("says that no line of a text is one of a log: 1", async () => {
    const { code, out, err } = await demo(["--file", "-"], "roses are red\nviolets are blue\n");
    expect(out).toMatch(/2 {2}no date and time in front; the first is line 1\n/);
    expect(err).toBe(
      "None of the 2 lines could be replayed: is this a dpkg log? The table has the reasons.\n",
    );
    expect(code).toBe(1);
  });

  it("sets a truncated last line aside and says so", async () => {
    const { code, out, err } = await demo(["--file", await fileWith(smallLog.slice(0, -8))]);
    expect(out).toMatch(/1 {2}cut short: the input ends before the line does; line 6\n/);
    expect(err).toBe("The last line (6) has no line end, so it may be cut short: it is a dead letter.\n");
    expect(code).toBe(0);
  });

  it("dies quietly when nobody reads its table", async () => {
    const child = start("--file", await fileWith(smallLog));
    child.stdout.destroy();
    const closed = new Promise((resolve) => child.once("close", resolve));
    expect(await text(child.stderr)).toBe("");
    expect(await closed).toBe(0);
  });

  it("drains at Ctrl-C and says what was left, though its input goes on: 130", async () => {
    const child = start("--file", "-", "--workers", "1");
    const ended = end(child);
    child.stdin.on("error", () => undefined);
    // The pipe holds 64 KiB: once it has taken all of the log, the demo is reading.
    await new Promise((resolve) => child.stdin.write(realLog, resolve));
    child.kill("SIGINT");
    const { code, out, err } = await ended;
    expect(code).toBe(130);
    expect(err).toMatch(/^Stopping: the lines the workers have are finished first/);
    const left =
      /Interrupted: of ([\d,]+) lines read, ([\d,]+) were handled(?:, ([\d,]+) set aside as dead letters)? and ([\d,]+) were not\.\n$/.exec(
        err,
      );
    const [read = 0, ...parts] = (left ?? [])
      .slice(1)
      .map((count = "0") => Number(count.replaceAll(",", "")));
    expect(parts[0]).toBeGreaterThan(0);
    expect(parts[2]).toBeGreaterThan(0);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(read);
    expect(out).toMatch(/not handled +[\d,]+\n/);
    expect(out).toMatch(/order violations +0 /);
  });

  it("stops at once at the second Ctrl-C: 130 and no table", async () => {
    const child = start("--file", "-", "--workers", "1");
    const ended = end(child);
    child.stdin.on("error", () => undefined);
    await new Promise((resolve) => child.stdin.write(realLog, resolve));
    const stopping = says(child, "Stopping");
    child.kill("SIGINT");
    await stopping;
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, out: "" });
  });
});
