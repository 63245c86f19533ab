export * from "./brokers/memory/index.ts";
export * from "./runtime/index.ts";
export * from "./traits/index.ts";
