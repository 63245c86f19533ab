import { FolderBroker, folderSource } from "../../../examples/folder/broker.ts";

// Takes the messages of a folder, acks the first, says so, and holds the others until it is killed.
const [folder = ""] = process.argv.slice(2);
const connection = await new FolderBroker(folder).connect();
const subscriber = await connection.subscribe(folderSource("jobs", { group: "g" }));
const iterator = subscriber[Symbol.asyncIterator]();
for (let index = 0; index < 3; index += 1)
  await connection.publisher().publish({ topic: "jobs", payload: `${index}` });
const { value } = await iterator.next();
await value?.ack();
await iterator.next();
console.log("ready");
setInterval(() => undefined, 1_000);
