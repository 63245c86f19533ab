import { describe, expect, it } from "vitest";
import { helpText, readArguments, UsageError } from "../../../examples/demo/arguments.ts";

const brokers = ["memory", "nats"];
const read = (...argv: string[]): unknown => readArguments(argv, brokers);

describe("the arguments of the demo", () => {
  it("have defaults", () => {
    expect(read()).toEqual({
      workers: 8,
      seed: 1,
      file: undefined,
      svg: undefined,
      theme: "light",
      broker: "memory",
    });
  });

  it("are all read, in both ways to write a value", () => {
    const argv = [
      "--workers=3",
      "--seed",
      "7",
      "--file",
      "a b.log",
      "--svg=out.svg",
      "--theme",
      "dark",
      "--broker",
      "nats",
    ];
    expect(read(...argv)).toEqual({
      workers: 3,
      seed: 7,
      file: "a b.log",
      svg: "out.svg",
      theme: "dark",
      broker: "nats",
    });
  });

  it("take - as a file: standard input", () => {
    expect(read("--file", "-")).toMatchObject({ file: "-" });
  });

  it("take the bounds of a number", () => {
    expect(read("--workers", "1", "--seed", "0")).toMatchObject({ workers: 1, seed: 0 });
    expect(read("--workers", "256", "--seed", "4294967295")).toMatchObject({
      workers: 256,
      seed: 2 ** 32 - 1,
    });
  });

  it("give help even beside other options", () => {
    expect(read("--help")).toBe("help");
    expect(read("--workers", "0", "--help")).toBe("help");
  });

  it.each([
    [["--workers", "0"], '--workers must be a whole number from 1 to 256; received "0".'],
    [["--workers", "257"], '--workers must be a whole number from 1 to 256; received "257".'],
    [["--workers", "1.5"], '--workers must be a whole number from 1 to 256; received "1.5".'],
    [["--workers", "abc"], '--workers must be a whole number from 1 to 256; received "abc".'],
    [["--workers", "-3"], '--workers must be a whole number from 1 to 256; received "-3".'],
    [["--workers", "1e2"], '--workers must be a whole number from 1 to 256; received "1e2".'],
    [["--workers", "Infinity"], '--workers must be a whole number from 1 to 256; received "Infinity".'],
    [["--seed", "-1"], '--seed must be a whole number from 0 to 4294967295; received "-1".'],
    [
      ["--seed", "99999999999"],
      '--seed must be a whole number from 0 to 4294967295; received "99999999999".',
    ],
    [["--workers"], "--workers needs a value; --help shows which."],
    [["--file", ""], "--file needs a value; --help shows which."],
    [["--file", "--svg", "x"], "--file needs a value; --help shows which."],
    [["--nope"], "There is no option --nope; --help lists those there are."],
    [["--toString"], "There is no option --toString; --help lists those there are."],
    [["-w", "3"], "There is no option -w; --help lists those there are."],
    [["--help=yes"], '--help takes no value; received "yes".'],
    [["dpkg.log"], 'Nothing is expected at "dpkg.log": a file is named with --file PATH.'],
    [["--", "dpkg.log"], 'Nothing is expected at "dpkg.log": a file is named with --file PATH.'],
    [["--broker", "kafka"], '--broker must be one of memory, nats; received "kafka".'],
    [["--theme", "blue"], '--theme must be light or dark; received "blue".'],
    [["--svg", "-"], "--svg needs the path of a file; the table goes to standard output."],
  ])("%j is refused in a sentence", (argv, sentence) => {
    expect(() => read(...argv)).toThrow(new UsageError(sentence));
    expect(() => read(...argv)).toThrow(UsageError);
  });

  it("are all in the help, with the brokers there are", () => {
    const help = helpText(brokers);
    for (const option of ["workers", "file", "seed", "svg", "broker", "help"]) {
      expect(help).toMatch(new RegExp(`^ {2}--${option} `, "m"));
    }
    expect(help).toContain("memory, nats (default memory)");
  });
});
