import { lawNames } from "tidelane/conformance";
import { UsageError } from "./arguments.ts";
import { referTo } from "./brokers/processes.ts";
import { releaseServers } from "./brokers/servers.ts";
import { fixtures } from "./conformance/fixtures.ts";
import { expectLosses } from "./expected-losses.ts";
import { plugIns } from "./faults/plug-ins.ts";
import { readArguments, usageOf } from "./soak/arguments.ts";
import { planSoak, type SoakStep } from "./soak/plan.ts";
import { Player } from "./soak/player.ts";
import { formatSummary, runSoak } from "./soak/soak.ts";

const brokers = Object.keys(fixtures);
const usage = usageOf(
  brokers,
  plugIns.map(({ name }) => name),
);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  const { broker, minutes, seed, keepGoing } = readArguments(args, brokers);
  const fixture = await fixtures[broker]?.();
  if (fixture === undefined) throw new UsageError(`There is no broker "${broker}" here.`);
  const plugIn = plugIns.find(({ name }) => name === broker);
  const player = new Player(broker, fixture, plugIn);
  write(`soak of ${broker} for ${minutes} minutes, seed ${seed}`);
  let current: SoakStep | undefined;
  // A client that throws outside every call would end the process without a word on which step it was.
  process.once("uncaughtException", (error) => {
    const again = current === undefined ? "" : `\nagain: ${player.again(current)}`;
    process.stderr.write(`an error that nobody awaited: ${error.stack}${again}\n`);
    process.exit(1);
  });
  try {
    const summary = await runSoak({
      steps: planSoak(seed, lawNames, plugIn !== undefined),
      minutes,
      keepGoing,
      play: (step) => {
        current = step;
        return player.play(step);
      },
      again: (step) => player.again(step),
      now: () => performance.now(),
      write,
    });
    write(`\n${broker}, seed ${seed}: ${formatSummary(summary)}`);
    return summary.failures > 0 ? 1 : 0;
  } finally {
    await player.end();
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

expectLosses();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof UsageError;
  process.stderr.write(
    wrong ? `${error.message}\n\n${usage}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = wrong ? 2 : 1;
} finally {
  await releaseServers(referTo(process.pid));
}
// kafkajs may keep the process alive with a client whose connections were cut. Everything has been printed by now.
setTimeout(() => process.exit(), 2_000).unref();
