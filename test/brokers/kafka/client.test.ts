import * as kafkajs from "kafkajs";
import { expect, it } from "vitest";
import type { KafkaModule } from "../../../src/brokers/kafka/client.ts";

it("kafkajs has the subset that is declared, with these types", () => {
  const declared: KafkaModule = kafkajs;
  expect(declared.Kafka).toBeTypeOf("function");
});
