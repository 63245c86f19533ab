import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const lowest = 20_000;

/**
 * Ports of 127.0.0.1 that are free now, below those the system hands out for outgoing connections. Inside
 * that range a client that knocks while its server is down may be given the server's port for its own end: it
 * then talks to itself, and the server cannot come back to its address.
 */
export async function freePorts(count: number): Promise<number[]> {
  const highest = firstOutgoingPort() - 1;
  const found = new Set<number>();
  for (let attempts = 0; found.size < count; attempts++) {
    if (attempts > 1000)
      throw new Error(`No ${count} free ports between ${lowest} and ${highest} on 127.0.0.1.`);
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function firstOutgoingPort(): number {
  try {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    return Math.max(lowest + 1000, Number(range.split(/\s+/)[0]));
  } catch {
    return 32_768;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
