import { link, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Recording } from "../../../examples/demo/recording.ts";
import { checkWritable, OutputError, writeTimeline } from "../../../examples/demo/timeline-file.ts";

describe("the file of the timeline", () => {
  let folder = "";
  let log = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidelane-demo-"));
    log = join(folder, "dpkg.log");
    await writeFile(log, "a log\n");
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is found writable without losing what is in it", async () => {
    const path = join(folder, "old.svg");
    await writeFile(path, "old");
    await checkWritable(path, log);
    expect(await readFile(path, "utf8")).toBe("old");
    await writeTimeline(path, "light", { title: "title", workers: 2, recording: new Recording() });
    expect(await readFile(path, "utf8")).toContain("<svg");
  });

  it("is checked when the log is standard input", async () => {
    await expect(checkWritable(join(folder, "new.svg"), "-")).resolves.toBeUndefined();
  });

  it.each(["none/x.svg", "."])("is refused at %s", async (path) => {
    await expect(checkWritable(join(folder, path), log)).rejects.toThrow(OutputError);
    await expect(checkWritable(join(folder, path), log)).rejects.toThrow(
      /^The timeline cannot be written to "/,
    );
    const run = { title: "t", workers: 1, recording: new Recording() };
    await expect(writeTimeline(join(folder, path), "light", run)).rejects.toThrow(OutputError);
  });

  it("is never the log, by whatever name", async () => {
    const other = join(folder, "other-name.log");
    await link(log, other);
    for (const path of [log, other]) {
      await expect(checkWritable(path, log)).rejects.toThrow("is the log itself: --svg would overwrite it.");
    }
    expect(await readFile(log, "utf8")).toBe("a log\n");
  });
});
