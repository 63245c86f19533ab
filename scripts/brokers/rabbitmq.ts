import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "amqplib";
import { makeCertificate } from "./certificate.ts";
import { container } from "./container.ts";
import { installPackage } from "./debian.ts";
import { freePorts } from "./ports.ts";
import { findProgram } from "./programs.ts";
import { type Contact, fromEnvironment, type Plan, type Recipe, type Site } from "./recipe.ts";

const variable = "TIDELANE_AMQP_URL";
/** Debian's /usr/sbin/rabbitmq-server changes the user and the paths: the script behind it does not. */
const folders = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin"];

export const rabbitmq: Recipe = {
  kind: "rabbitmq",
  ways: [
    fromEnvironment(variable),
    {
      name: "installed",
      plan: async (site) => (await fromScripts(site, "installed")) ?? "no rabbitmq-server on the PATH",
    },
    {
      name: "Debian package",
      async plan(site) {
        const reason = await installPackage("rabbitmq-server", site.report);
        return reason ?? (await fromScripts(site, "Debian package")) ?? "the package has no rabbitmq-server";
      },
    },
    container("rabbitmq", (port) => `amqp://guest:guest@127.0.0.1:${port}`),
  ],
  advice: `install rabbitmq-server (Debian: apt-get install rabbitmq-server), start a container engine, or set ${variable}`,
  startMs: 90_000,
  // RabbitMQ writes the names of quorum queues up to 0.9 s late (3.10.8, measured). If it is killed before, the queue has no
  // leader after the restart, for good, and the confirmed messages in it are lost.
  declarationMs: 2000,
  health,
};

interface Ports {
  readonly amqp: number;
  /** Where Erlang nodes talk to each other. */
  readonly distribution: number;
  /** Of the name service of Erlang nodes, which is one of our own, too. */
  readonly epmd: number;
}

async function fromScripts(site: Site, source: string): Promise<Plan | string | undefined> {
  const program = findProgram("rabbitmq-server", folders);
  if (program === undefined) return undefined;
  const epmd = findProgram("epmd");
  if (epmd === undefined) return "rabbitmq-server is installed, but Erlang's epmd is not on the PATH";
  const [amqp = 0, distribution = 0, names = 0] = await freePorts(3);
  const ports: Ports = { amqp, distribution, epmd: names };
  const env = environment(site.folder, ports);
  const { user = { name: "guest", password: "guest" }, tls } = site.options;
  const ca = await writeConfiguration(site, ports);
  const who = `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}`;
  return {
    how: `rabbitmq-server ${versionOf(program)}, ${source}`,
    contact: {
      address: `${tls ? "amqps" : "amqp"}://${who}@127.0.0.1:${amqp}`,
      ...(site.options.user && { user }),
      ...(ca !== undefined && { ca }),
    },
    launch: {
      type: "process",
      before: { program: epmd, args: [], env },
      main: { program, args: [], env },
      // A node without its name service starts another one within a minute. This ends only the one on our port. It refuses
      // while it still lists the node.
      after: { program: epmd, args: ["-kill"], env },
    },
    durable: true,
  };
}

/** A node of its own in every respect: name, ports, data, logs, cookie, plugins (none, so no management). */
function environment(folder: string, ports: Ports): Record<string, string> {
  const threads = "+stbt u +sbwt none +sbwtdcpu none +sbwtdio none";
  return {
    HOME: folder,
    RABBITMQ_NODENAME: `tidelane-${ports.amqp}@localhost`,
    RABBITMQ_CONF_ENV_FILE: join(folder, "rabbitmq-env.conf"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "logs"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_PID_FILE: join(folder, "rabbitmq.pid"),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_CRASH_DUMP_SECONDS: "0",
    // Together: the script becomes the server instead of waiting for it, so its process id is the server's.
    RABBITMQ_ALLOW_INPUT: "1",
    RABBITMQ_SERVER_START_ARGS: "-noinput",
    // Idle schedulers sleep: the tests need the processors.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${threads} -kernel inet_dist_use_interface {127,0,0,1} -start_epmd false`,
  };
}

/** Gives back the certificate to trust, if there is TLS. */
async function writeConfiguration({ folder, options }: Site, ports: Ports): Promise<string | undefined> {
  mkdirSync(join(folder, "logs"), { recursive: true });
  writeFileSync(join(folder, "rabbitmq-env.conf"), "");
  writeFileSync(join(folder, "enabled_plugins"), "[].\n");
  const certificate = options.tls ? await makeCertificate(folder) : undefined;
  const listener = certificate
    ? [
        "listeners.tcp = none",
        `listeners.ssl.1 = 127.0.0.1:${ports.amqp}`,
        `ssl_options.cacertfile = ${certificate.cert}`,
        `ssl_options.certfile = ${certificate.cert}`,
        `ssl_options.keyfile = ${certificate.key}`,
      ]
    : [`listeners.tcp.1 = 127.0.0.1:${ports.amqp}`];
  const { user, config = [] } = options;
  const login = user ? [`default_user = ${user.name}`, `default_pass = ${user.password}`] : [];
  writeFileSync(join(folder, "rabbitmq.conf"), `${[...listener, ...login, ...config].join("\n")}\n`);
  return certificate?.cert;
}

function versionOf(program: string): string {
  return /rabbitmq_server-([\d.]+)|\/([\d.]+)\/s?bin\//.exec(program)?.slice(1).find(Boolean) ?? "";
}

async function health({ address, ca }: Contact): Promise<string> {
  const options = { timeout: 5000, ...(ca !== undefined && existsSync(ca) && { ca: [readFileSync(ca)] }) };
  const connection = await connect(address, options);
  // A server that ends in the middle of this says so by an event as well.
  connection.on("error", () => {});
  try {
    const channel = await connection.createChannel();
    await channel.close();
    return `RabbitMQ ${connection.connection.serverProperties.version}`;
  } finally {
    await connection.close().catch(() => {});
  }
}
