import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { malformed, parseLine, reasons } from "../../../examples/demo/log.ts";

const time = "2025-06-24 14:36:25";

describe("parseLine", () => {
  it.each([
    ["install", "install perl-modules-5.36:all <none> 5.36.0-7+deb12u2", "perl-modules-5.36:all"],
    ["upgrade", "upgrade libsystemd0:amd64 252.36-1~deb12u1 252.38-1~deb12u1", "libsystemd0:amd64"],
    ["configure", "configure libstdc++6:amd64 12.2.0 <none>", "libstdc++6:amd64"],
    ["trigproc", "trigproc libc-bin:amd64 2.36-9 <none>", "libc-bin:amd64"],
    ["remove", "remove vim:arm64 2:9.0 <none>", "vim:arm64"],
    ["purge", "purge vim:arm64 2:9.0 <none>", "vim:arm64"],
    ["status triggers-awaited", "status triggers-awaited dbus:amd64 1.14", "dbus:amd64"],
    ["status not-installed", "status not-installed vim:arm64 <none>", "vim:arm64"],
  ])("reads the step %j and the package with its architecture", (step, rest, name) => {
    const text = `${time} ${rest}`;
    expect(parseLine(text)).toEqual({ kind: "package", text, package: name, step });
  });

  it.each([
    ["startup", `${time} startup archives unpack`],
    ["conffile", `${time} conffile /etc/motd keep`],
    ["empty", ""],
    ["empty", "  \t"],
    ["zeroBytes", `${time} install a:all \0 1`],
    ["time", "install a:all <none> 1"],
    ["time", "2025-13-24 14:36:25 install a:all <none> 1"],
    ["time", "2025-06-32 14:36:25 install a:all <none> 1"],
    ["time", "2025-06-24 24:00:00 install a:all <none> 1"],
    ["time", "2025-06-24T14:36:25 install a:all <none> 1"],
    ["time", ` ${time} install a:all <none> 1`],
    ["action", time],
    ["action", `${time} explode a:all <none> 1`],
    ["action", `${time} toString a:all <none> 1`],
    ["state", `${time} status`],
    ["state", `${time} status half-broken a:all 1`],
    ["fields", `${time} install`],
    ["fields", `${time} install a:all <none>`],
    ["fields", `${time} install a:all <none> 1 2`],
    ["fields", `${time} install a:all  1`],
    ["fields", `${time} status installed a:all`],
    ["package", `${time} install a <none> 1`],
    ["package", `${time} install :all <none> 1`],
    ["package", `${time} status installed a: 1`],
    ["package", `${time} install <none> a:all 1`],
  ] as const)("says %s of %j", (reason, text) => {
    expect(parseLine(text)).toEqual({ kind: "malformed", text, reason: reasons[reason] });
  });

  it("gives every reason a sentence of its own", () => {
    const all = Object.values(reasons);
    expect(new Set(all).size).toBe(all.length);
    expect(malformed("tooLong", "x")).toEqual({ kind: "malformed", text: "x", reason: reasons.tooLong });
  });

  it("finds nothing but startup lines to set aside in the real log", () => {
    const lines = readFileSync("examples/data/dpkg.log", "utf8").trimEnd().split("\n").map(parseLine);
    const aside = lines.filter((line) => line.kind === "malformed");
    expect(lines).toHaveLength(4_992);
    expect(aside).toHaveLength(46);
    expect(new Set(aside.map(({ reason }) => reason))).toEqual(new Set([reasons.startup]));
  });
});
