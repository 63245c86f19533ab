import { jetStream, jetStreamOverNatsIo } from "./jetstream.ts";
import { kafka } from "./kafka.ts";
import type { FaultPlugIn } from "./plug-in.ts";
import { rabbitmq } from "./rabbitmq.ts";

export const plugIns: readonly FaultPlugIn[] = [jetStream, jetStreamOverNatsIo, rabbitmq, kafka];
