import { type Connection, MemoryBroker, type Subscribe } from "tidelane";

/** All the demo asks of a broker: a connection that publishes and that subscribes by name. */
export type DemoConnection = Connection & Subscribe;

/** A broker the demo can run on, by the name `--broker` takes. A new one is a new line here. */
const brokers: Readonly<Record<string, () => Promise<DemoConnection>>> = {
  memory: () => new MemoryBroker().connect(),
};

export const brokerNames: readonly string[] = Object.keys(brokers);

/** @param name one of `brokerNames` */
export function connectTo(name: string): Promise<DemoConnection> {
  const connect = brokers[name];
  if (connect === undefined) throw new Error(`There is no broker "${name}".`);
  return connect();
}
