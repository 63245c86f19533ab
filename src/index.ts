export * from "./app/index.ts";
export * from "./brokers/memory/index.ts";
export { anyOf, maxBytes } from "./codecs/negotiated.ts";
export * from "./runtime/index.ts";
export { Outlet, type OutletIterator, type Supply } from "./structures/outlet.ts";
export * from "./traits/index.ts";
