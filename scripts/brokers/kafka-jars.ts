import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../entry-points.ts";
import { withLock } from "./lock.ts";
import { ask, findProgram, lastLines } from "./programs.ts";

/** Not with the servers: the jars outlive them. */
const cache = join(root, ".cache");
const pom = fileURLToPath(new URL("kafka-pom.xml", import.meta.url));

/**
 * A folder with the jars of Apache Kafka, fetched from Maven Central when it is not there yet. A string is the
 * reason why there is none.
 */
export async function kafkaJars(report: (line: string) => void): Promise<{ folder: string } | string> {
  const text = readFileSync(pom, "utf8");
  const folder = join(cache, `kafka-jars-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`);
  if (existsSync(folder)) return { folder };
  const maven = findProgram("mvn");
  if (maven === undefined) return "mvn is not on the PATH";
  return withLock(join(cache, "kafka-jars.lock"), 600_000, async () => {
    if (existsSync(folder)) return { folder };
    report("fetching Apache Kafka from Maven Central (mvn dependency:copy-dependencies, about 46 MB)");
    const unfinished = `${folder}.part`;
    rmSync(unfinished, { recursive: true, force: true });
    const goal = [
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${unfinished}`,
    ];
    const { ok, output } = await ask(maven, ["-B", "-q", "-f", pom, ...goal], { timeoutMs: 600_000 });
    if (!ok) return `mvn failed: ${lastLines(output, 3)}`;
    renameSync(unfinished, folder);
    return { folder };
  });
}

/** The version of the server in the pom. */
export function kafkaVersion(): string {
  return (
    /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)/.exec(readFileSync(pom, "utf8"))?.[1] ?? ""
  );
}
