import { describe, expect, it } from "vitest";
import { UnknownOptionError } from "../../src/traits/errors.ts";
import { checkOptionNames, optionNames } from "../../src/traits/option-names.ts";

interface Options {
  readonly group?: string;
  readonly url?: string;
  readonly maxInFlight?: number;
  readonly reconnect?: { readonly initialMs?: number };
  readonly clock?: object;
}

const names = optionNames<Options>()({
  group: true,
  url: true,
  maxInFlight: true,
  reconnect: optionNames<{ initialMs?: number }>()({ initialMs: true }),
  clock: true,
});

const check = (options: unknown): void => checkOptionNames('source("orders", options)', options, names);

function refusal(options: unknown): UnknownOptionError {
  try {
    check(options);
  } catch (error) {
    if (error instanceof UnknownOptionError) return error;
  }
  throw new Error("not refused");
}

describe("checkOptionNames", () => {
  it("takes every declared name, and what is no options object", () => {
    check({ group: "a", url: "b", maxInFlight: 1, reconnect: { initialMs: 1 }, clock: { anything: 1 } });
    check({});
    check({ reconnect: false });
    for (const other of [undefined, null, "text", 3, ["gruop"]]) check(other);
  });

  it.each([
    ["gruop", "group"],
    ["uri", "url"],
    ["maxInflight", "maxInFlight"],
    ["Group", "group"],
    ["groups", "group"],
    ["maxIn", "maxInFlight"],
  ])("names the nearest of %s", (option, nearest) => {
    const error = refusal({ [option]: 1 });
    expect(error).toMatchObject({ code: "TIDELANE_UNKNOWN_OPTION", option, nearest });
    expect(error.message).toBe(
      `source("orders", options) has no option "${option}"; the nearest one is "${nearest}".`,
    );
  });

  it("lists what there is where nothing is near", () => {
    expect(refusal({ ensure: true }).message).toBe(
      'source("orders", options) has no option "ensure"; the options here are clock, group, maxInFlight, reconnect, url.',
    );
  });

  it("says so where there are no options", () => {
    expect(() => checkOptionNames("createApp()", { name: "x" }, {})).toThrow(
      'createApp() has no option "name"; it takes none.',
    );
  });

  it("looks into options that hold options, and says the path", () => {
    expect(refusal({ reconnect: { initalMs: 1 } })).toMatchObject({
      option: "reconnect.initalMs",
      nearest: "initialMs",
    });
  });

  it("refuses names of Object.prototype, and an unknown name without a value", () => {
    expect(refusal({ toString: 1 }).option).toBe("toString");
    expect(refusal({ gruop: undefined }).nearest).toBe("group");
  });
});
