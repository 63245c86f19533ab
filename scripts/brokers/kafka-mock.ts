import { installPackage } from "./debian.ts";
import { findProgram } from "./programs.ts";
import { isConfigured, type Way } from "./recipe.ts";

/**
 * The last resort: a cluster that librdkafka plays for its own tests. Groups, offsets and produced records
 * work; nothing is kept on disk, so it cannot be restarted on its data, and it is no proof of anything about Kafka.
 */
export const kafkaMock: Way = {
  name: "mock cluster",
  stopgap: true,
  async plan({ options, report }) {
    if (isConfigured(options)) return "has no configuration";
    let program = findProgram("kcat");
    if (program === undefined) {
      const reason = await installPackage("kcat", report);
      program = findProgram("kcat");
      if (program === undefined) return reason ?? "the package has no kcat";
    }
    const args = ["-C", "-b", "x", "-t", "dummy", "-X", "test.mock.num.brokers=1", "-d", "mock"];
    return {
      how: "MOCK: librdkafka's mock cluster in kcat, not a Kafka server",
      contact: { address: "" },
      launch: {
        type: "process",
        main: { program, args, env: {} },
        addressInLog: "bootstrap\\.servers=(127\\.0\\.0\\.1:\\d+)",
      },
      durable: false,
    };
  },
};
