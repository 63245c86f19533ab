import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { makeCertificate } from "./certificate.ts";
import { container } from "./container.ts";
import { ServerStartError } from "./errors.ts";
import { kafkaJars, kafkaVersion } from "./kafka-jars.ts";
import { kafkaMock } from "./kafka-mock.ts";
import { freePorts } from "./ports.ts";
import type { Command } from "./processes.ts";
import { ask, findProgram, lastLines } from "./programs.ts";
import { type Contact, fromEnvironment, type Plan, type Recipe, type Site } from "./recipe.ts";

const variable = "TIDELANE_KAFKA_BROKERS";
const clusterId = "tidelaneAAAAAAAAAAAAAA";
const heap = ["-Xms128m", "-Xmx512m"];
/** One compiler and one collector: ready in two thirds of the time, on processors the tests need too. */
const frugal = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

export const kafka: Recipe = {
  kind: "kafka",
  ways: [
    fromEnvironment(variable),
    { name: "installed", plan: fromScripts },
    { name: "Maven Central", plan: fromJars },
    container("kafka", (port) => `127.0.0.1:${port}`),
    kafkaMock,
  ],
  advice: `install a JDK 17 and Maven (Debian: apt-get install maven openjdk-17-jre-headless), start a container engine, or set ${variable}`,
  startMs: 90_000,
  declarationMs: 0,
  health,
};

async function fromScripts(site: Site): Promise<Plan | string> {
  const server = findProgram("kafka-server-start.sh") ?? findProgram("kafka-server-start");
  const storage = findProgram("kafka-storage.sh") ?? findProgram("kafka-storage");
  if (server === undefined || storage === undefined) return "no kafka-server-start on the PATH";
  const env = {
    KAFKA_HEAP_OPTS: heap.join(" "),
    KAFKA_JVM_PERFORMANCE_OPTS: frugal.join(" "),
    LOG_DIR: join(site.folder, "logs"),
  };
  return prepare(site, `Apache Kafka, ${server}`, {
    format: { program: storage, args: [], env },
    serve: { program: server, args: [], env },
  });
}

async function fromJars(site: Site): Promise<Plan | string> {
  const java = findProgram("java", process.env["JAVA_HOME"] ? [join(process.env["JAVA_HOME"], "bin")] : []);
  if (java === undefined) return "java is not on the PATH";
  const { output } = await ask(java, ["-version"], { timeoutMs: 30_000 });
  const version = Number(/version "(\d+)/.exec(output)?.[1] ?? 0);
  if (version < 17) return `java is version ${version || "unknown"}, Kafka runs on 17`;
  const jars = await kafkaJars(site.report);
  if (typeof jars === "string") return jars;
  const log4j = join(site.folder, "log4j.properties");
  writeFileSync(log4j, logging);
  const args = [...heap, ...frugal, "-cp", join(jars.folder, "*"), `-Dlog4j.configuration=file:${log4j}`];
  return prepare(site, `Apache Kafka ${kafkaVersion()}, KRaft, Java ${version}, Maven Central`, {
    format: { program: java, args: [...args, "kafka.tools.StorageTool"], env: {} },
    serve: { program: java, args: [...args, "kafka.Kafka"], env: {} },
  });
}

const logging = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c{1}: %m%n
`;

interface Programs {
  /** kafka.tools.StorageTool, without its arguments. */
  readonly format: Command;
  /** kafka.Kafka, without the file of its properties. */
  readonly serve: Command;
}

async function prepare(site: Site, how: string, { format, serve }: Programs): Promise<Plan> {
  const { folder, options } = site;
  const [port = 0, controller = 0] = await freePorts(2);
  const file = join(folder, "server.properties");
  const ca = await writeProperties(file, site, port, controller);
  const formatArgs = [...format.args, "format", "--ignore-formatted", "-t", clusterId, "-c", file];
  const formatted = await ask(format.program, formatArgs, { timeoutMs: 60_000, env: format.env });
  if (!formatted.ok) {
    throw new ServerStartError(
      `${how}: its storage could not be formatted.\n${lastLines(formatted.output, 20)}`,
    );
  }
  return {
    how,
    contact: {
      address: `127.0.0.1:${port}`,
      ...(options.user && { user: options.user }),
      ...(ca !== undefined && { ca }),
    },
    launch: { type: "process", main: { ...serve, args: [...serve.args, file] } },
    durable: true,
  };
}

/** One node that is broker and controller. Gives back the certificate to trust, if there is TLS. */
async function writeProperties(
  file: string,
  { folder, options }: Site,
  port: number,
  controller: number,
): Promise<string | undefined> {
  const { user, tls, config = [] } = options;
  const protocol = `${user ? "SASL_" : ""}${tls ? "SSL" : "PLAINTEXT"}`;
  const certificate = tls ? await makeCertificate(folder) : undefined;
  const lines = [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    "controller.listener.names=CONTROLLER",
    "inter.broker.listener.name=CLIENT",
    `listener.security.protocol.map=CLIENT:${protocol},CONTROLLER:PLAINTEXT`,
    `listeners=CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=CLIENT://127.0.0.1:${port}`,
    `log.dirs=${join(folder, "data")}`,
    // One node can hold one copy; and few partitions of the server's own topics are ready sooner.
    "offsets.topic.replication.factor=1",
    "offsets.topic.num.partitions=4",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "transaction.state.log.num.partitions=4",
    "group.initial.rebalance.delay.ms=0",
    // A killed broker is let in again when its last session is over, 9 s by default.
    "broker.session.timeout.ms=3000",
    "broker.heartbeat.interval.ms=500",
  ];
  if (user) {
    const module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    const login = `username="${user.name}" password="${user.password}" user_${user.name}="${user.password}"`;
    lines.push("sasl.enabled.mechanisms=PLAIN", "sasl.mechanism.inter.broker.protocol=PLAIN");
    lines.push(`listener.name.client.plain.sasl.jaas.config=${module} ${login};`);
  }
  if (certificate) {
    const store = join(folder, "keystore.pem");
    writeFileSync(store, readFileSync(certificate.key, "utf8") + readFileSync(certificate.cert, "utf8"));
    lines.push("ssl.keystore.type=PEM", `ssl.keystore.location=${store}`);
    lines.push("ssl.truststore.type=PEM", `ssl.truststore.location=${certificate.cert}`);
  }
  writeFileSync(file, `${[...lines, ...config].join("\n")}\n`);
  return certificate?.cert;
}

/** The cluster has its controller, every topic its leaders, and groups their coordinator. */
async function health({ address, user, ca }: Contact): Promise<string> {
  const client = new Kafka({
    brokers: address.split(","),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout: 5000,
    retry: { retries: 0 },
    ...(user && { sasl: { mechanism: "plain", username: user.name, password: user.password } }),
    ...(ca !== undefined && { ssl: { ca: [readFileSync(ca, "utf8")] } }),
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    if (controller === null || brokers.length === 0) throw new Error("The cluster has no controller yet.");
    const { topics } = await admin.fetchTopicMetadata();
    const waiting = topics.find(({ partitions }) => partitions.some(({ leader }) => leader < 0));
    if (waiting) throw new Error(`Topic ${waiting.name} has a partition without a leader.`);
    // This also makes a new server create its offsets topic. Otherwise the first consumer would wait for that.
    await admin.fetchOffsets({ groupId: "tidelane-health" });
    return `Kafka, ${brokers.length} ${brokers.length === 1 ? "broker" : "brokers"}`;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
