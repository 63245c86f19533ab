import type {
  Client,
  ClientConfig,
  ConsumerConfig,
  KafkaModule,
  ProducerConfig,
} from "../../../../src/brokers/kafka/client.ts";
import { FakeAdmin } from "./admin.ts";
import { FakeCluster } from "./cluster.ts";
import { FakeConsumer } from "./consumer.ts";
import { FakeProducer } from "./producer.ts";

/** A module like kafkajs over servers in memory, and everything that was made with it. */
export class FakeKafka {
  readonly cluster: FakeCluster = new FakeCluster();
  readonly consumers: FakeConsumer[] = [];
  readonly producers: FakeProducer[] = [];
  readonly admins: FakeAdmin[] = [];
  readonly configs: ClientConfig[] = [];
  readonly codecs: Record<number, () => unknown> = {
    1: () => ({}),
    2: () => {
      throw new Error("Snappy compression not implemented");
    },
  };

  get module(): KafkaModule {
    const made = this;
    class Kafka implements Client {
      constructor(config: ClientConfig) {
        made.configs.push(config);
      }

      admin(): FakeAdmin {
        const admin = new FakeAdmin(made.cluster);
        made.admins.push(admin);
        return admin;
      }

      consumer(config: ConsumerConfig): FakeConsumer {
        const consumer = new FakeConsumer(made.cluster, config);
        made.consumers.push(consumer);
        return consumer;
      }

      producer(config: ProducerConfig): FakeProducer {
        const producer = new FakeProducer(made.cluster, config);
        made.producers.push(producer);
        return producer;
      }
    }
    const json = {
      encode: (value: unknown) => Buffer.from(JSON.stringify(value)),
      decode: (buffer: Buffer) => {
        const value = JSON.parse(buffer.toString());
        return { ...value, userData: Buffer.from(value.userData ?? []) };
      },
    };
    return {
      Kafka,
      CompressionCodecs: this.codecs,
      PartitionAssigners: {
        roundRobin: () => ({
          name: "RoundRobinAssigner",
          version: 0,
          protocol: () => ({ name: "RoundRobinAssigner", metadata: Buffer.alloc(0) }),
          assign: () => Promise.reject(new Error("not in this fake")),
        }),
      },
      AssignerProtocol: { MemberMetadata: json, MemberAssignment: json },
    };
  }

  /** The consumer that is connected, and the last of several. */
  get consumer(): FakeConsumer {
    const consumer = this.consumers.findLast(({ connected }) => connected);
    if (consumer === undefined) throw new Error("no consumer is connected");
    return consumer;
  }

  get producer(): FakeProducer {
    const producer = this.producers.at(-1);
    if (producer === undefined) throw new Error("no producer was made");
    return producer;
  }
}
