import type { Command } from "./processes.ts";

export const serverKinds = ["nats", "rabbitmq", "kafka", "redis"] as const;
export type ServerKind = (typeof serverKinds)[number];

interface User {
  readonly name: string;
  readonly password: string;
}

/** What a test can ask of a server of its own. */
export interface ServerOptions {
  /** Clients must say who they are, and be this user. Default: anyone on loopback (RabbitMQ: guest). */
  readonly user?: User;
  /** TLS only, with a certificate made for this server: see `Contact.ca`. Default: plain TCP. */
  readonly tls?: boolean;
  /** NATS only: the oldest version that can be had, to see what differs there. Default: a current one. */
  readonly old?: true;
  /** Lines for the end of the server's own configuration file. */
  readonly config?: readonly string[];
}

/** How a client gets to a server. */
export interface Contact {
  /** A URL (`nats:`, `tls:`, `amqp:`, `amqps:`, `redis:`, `rediss:`), for Kafka `host:port`, several with commas. */
  readonly address: string;
  /** For Kafka, SASL PLAIN; for the others it stands in the URL as well. */
  readonly user?: User;
  /** File of the certificate to trust, PEM. */
  readonly ca?: string;
}

/** How a server is started and ended. Plain data, like everything in a plan: it is kept on disk. */
export type Launch =
  /** Somebody else's: used, never touched. */
  | { readonly type: "external" }
  | {
      readonly type: "process";
      readonly main: Command;
      /** Started before the server and left running while it is down. */
      readonly before?: Command;
      /** Ends `before`, or what the server has put in its place. Tried until it succeeds, for 2 s at most. */
      readonly after?: Command;
      /** Only when the server tells its address itself: a pattern with one group, looked for in its log. */
      readonly addressInLog?: string;
    }
  | {
      readonly type: "container";
      /** A compose command up to its verb. */
      readonly engine: readonly string[];
      readonly service: ServerKind;
      readonly env: Readonly<Record<string, string>>;
    };

export interface Plan {
  /** Which server this is and where it comes from, in a few words. */
  readonly how: string;
  readonly contact: Contact;
  readonly launch: Launch;
  /** What was confirmed is still there after a kill and a restart. */
  readonly durable: boolean;
}

export interface Site {
  /** The server's own folder, there already. What it writes stays in it. */
  readonly folder: string;
  readonly options: ServerOptions;
  /** Says in a line what is being done, for what takes time or changes the machine. */
  readonly report: (line: string) => void;
}

/** One way to get a server. */
export interface Way {
  readonly name: string;
  /** It gives no server that can be killed and restarted. */
  readonly stopgap?: true;
  /** A plan, its files written; or the reason why there is none here. */
  plan(site: Site): Promise<Plan | string>;
}

/** All there is to know about one kind of server. */
export interface Recipe {
  readonly kind: ServerKind;
  /** In the order they are tried. */
  readonly ways: readonly Way[];
  /** What a person can do to have one. */
  readonly advice: string;
  /** How long a start may take. */
  readonly startMs: number;
  /** How old a declaration has to be to outlive a SIGKILL. */
  readonly declarationMs: number;
  /** Asks in the server's protocol: resolves with its name and version, rejects if it is not ready for clients. */
  health(contact: Contact): Promise<string>;
}

/** The way through an address in the environment. */
export function fromEnvironment(variable: string): Way {
  return {
    name: variable,
    async plan() {
      const address = process.env[variable] ?? "";
      if (address === "") return "not set";
      return {
        how: `address in ${variable}`,
        contact: { address },
        launch: { type: "external" },
        durable: false,
      };
    },
  };
}

/** Whether the usual configuration will not do. */
export function isConfigured(options: ServerOptions): boolean {
  const { user, tls, config, old } = options;
  return user !== undefined || tls === true || config !== undefined || old === true;
}
