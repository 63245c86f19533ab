import type { Name, Station } from "./contestant.ts";
import { rabbitmqStation } from "./rabbitmq.ts";
import { redisServer } from "./redis.ts";

/** Of bullmq/station.ts: it imports a package that may not be installed yet. */
interface BullmqModule {
  bullmqStation(name: Name, address: string, server: string): Promise<Station>;
}

/** To be called when the contestant's packages are installed. */
export async function stationOf(name: Name, report: (line: string) => void): Promise<Station> {
  if (name !== "bullmq" && name !== "bullmq-priority") return rabbitmqStation(name);
  const redis = await redisServer(report);
  try {
    const { bullmqStation }: BullmqModule = await import(
      new URL("../bullmq/station.ts", import.meta.url).href
    );
    const station = await bullmqStation(name, redis.address, redis.name);
    const remove = (): Promise<void> => station.remove().finally(() => redis.remove());
    return { ...station, remove };
  } catch (error) {
    await redis.remove();
    throw error;
  }
}
