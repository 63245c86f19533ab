import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Every process that was started for a server in `folder`: the folder is in its arguments or its environment. */
export function processesOf(folder: string): string[] {
  if (!existsSync("/proc/self/environ")) {
    const { stdout } = spawnSync("ps", ["-axww", "-E", "-o", "pid=,args="], { encoding: "utf8" });
    return stdout.split("\n").filter((line) => line.includes(folder));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      const text = ["cmdline", "environ"].map((file) => read(`/proc/${pid}/${file}`)).join(" ");
      return text.includes(folder) ? [`${pid} ${text.slice(0, 200)}`] : [];
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
