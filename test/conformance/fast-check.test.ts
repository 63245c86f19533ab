import { expect, it, vi } from "vitest";

it("names the package to install when fast-check is missing", async () => {
  // Files of one worker share their modules: what another file has loaded is forgotten first.
  vi.resetModules();
  vi.doMock("fast-check", () => {
    throw new Error("Cannot find package 'fast-check'");
  });
  await expect(import("../../conformance/fast-check.ts")).rejects.toThrow(
    "npm install --save-dev fast-check",
  );
  vi.doUnmock("fast-check");
  vi.resetModules();
});
