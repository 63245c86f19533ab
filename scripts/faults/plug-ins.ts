import { jetStream, jetStreamOverNatsIo } from "./jetstream.ts";
import type { FaultPlugIn } from "./plug-in.ts";

export const plugIns: readonly FaultPlugIn[] = [jetStream, jetStreamOverNatsIo];
