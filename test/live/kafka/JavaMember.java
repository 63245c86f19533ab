import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a group, on Kafka's Java client: server, group, strategy, topics. Prints what it is assigned and the records
 * it gets; ends with its standard input.
 */
class JavaMember {
  public static void main(String[] args) {
    Properties options = new Properties();
    options.put("bootstrap.servers", args[0]);
    options.put("group.id", args[1]);
    options.put("partition.assignment.strategy", args[2]);
    options.put("auto.offset.reset", "earliest");
    options.put("allow.auto.create.topics", "false");
    options.put("session.timeout.ms", "6000");
    options.put("heartbeat.interval.ms", "200");
    KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(options, new StringDeserializer(), new StringDeserializer());
    endWithInput(consumer);
    consumer.subscribe(List.of(args[3].split(",")), new ConsumerRebalanceListener() {
      public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}

      public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        String all = partitions.stream().map(TopicPartition::toString).sorted().collect(Collectors.joining(","));
        System.out.println("assigned " + all);
      }
    });
    try {
      while (true) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100)))
          System.out.println("record " + record.value());
        consumer.commitSync();
      }
    } catch (WakeupException end) {
      consumer.close();
    }
  }

  static void endWithInput(KafkaConsumer<String, String> consumer) {
    Thread reader = new Thread(() -> {
      try {
        while (System.in.read() != -1) {}
      } catch (java.io.IOException gone) {
      }
      consumer.wakeup();
    });
    reader.setDaemon(true);
    reader.start();
  }
}
