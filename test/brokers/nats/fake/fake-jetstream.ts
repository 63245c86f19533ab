import type { Clock, Timer } from "../../../../src/traits/index.ts";
import { FakeHeaders } from "./fake-headers.ts";
import { matches, type Published } from "./fake-nats.ts";

/** `to`: where it is published, if its subject says something else. */
type Send = (message: Published, to?: string) => void;

interface Stored {
  readonly sequence: number;
  readonly storedAt: number;
  readonly message: Published;
}

interface Request {
  readonly reply: string;
  left: number;
  readonly timers: Timer[];
}

type Config = Record<string, unknown>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The JetStream API as far as it is called, and what consumers do with requests and answers. */
export class FakeJetStream {
  readonly streams = new Map<string, FakeStream>();
  /** Whether anything answers. */
  enabled = true;
  /** Calls that are not answered, by the beginning of their verb. */
  readonly silent = new Set<string>();
  /** Subjects that the server maps to others before a stream sees them; the API knows nothing of it. */
  readonly mappings = new Map<string, string>();
  /** Calls that were made, without those for messages. */
  readonly calls: string[] = [];
  readonly clock: Clock;
  readonly send: Send;
  /** Whether anybody listens on a subject. */
  readonly isWanted: (subject: string) => boolean;
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock, send: Send, isWanted: (subject: string) => boolean) {
    this.clock = clock;
    this.send = send;
    this.isWanted = isWanted;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer = this.clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    return timer;
  }

  /** No timer of the server is left, so that those of the client can be counted. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  stream(name: string): FakeStream {
    const stream = this.streams.get(name);
    if (stream === undefined) throw new Error(`there is no stream ${name}`);
    return stream;
  }

  /** Whether the message was for JetStream. */
  take(message: Published): boolean {
    if (!this.enabled) return false;
    const subject = this.mappings.get(message.subject) ?? message.subject;
    if (subject.startsWith("$JS.API.")) this.#call(subject.slice("$JS.API.".length), message);
    else if (subject.startsWith("$JS.ACK.")) this.#answer(message);
    else {
      const stream = [...this.streams.values()].find(({ subjects }) =>
        subjects.some((pattern) => matches(pattern, subject)),
      );
      if (stream === undefined) return false;
      stream.store({ ...message, subject });
    }
    return true;
  }

  #call(verb: string, message: Published): void {
    const text = decoder.decode(message.data);
    const [kind = "", action = "", third = "", name = "", ...rest] = verb.split(".");
    if (kind === "CONSUMER" && action === "MSG") {
      const [consumer = ""] = rest;
      this.streams
        .get(name)
        ?.consumers.get(consumer)
        ?.request(message.reply ?? "", JSON.parse(text));
      return;
    }
    this.calls.push(verb);
    if ([...this.silent].some((beginning) => verb.startsWith(beginning))) return;
    const body = text === "" ? {} : JSON.parse(text);
    const answer = this.#answerTo(kind, action, third, name, rest, body);
    if (message.reply !== undefined) this.#reply(message.reply, answer);
  }

  #answerTo(
    kind: string,
    action: string,
    third: string,
    name: string,
    rest: string[],
    body: Config,
  ): unknown {
    if (kind === "INFO") return {};
    if (kind === "STREAM" && action === "NAMES") {
      const found = [...this.streams.values()].filter(({ subjects }) =>
        subjects.some(
          (subject) => matches(subject, String(body["subject"])) || matches(String(body["subject"]), subject),
        ),
      );
      return { streams: found.length === 0 ? null : found.map((stream) => stream.name) };
    }
    if (kind === "STREAM" && action === "CREATE") return this.#createStream(third, body);
    const streamName = action === "MSG" ? name : third;
    const stream = this.streams.get(streamName);
    if (stream === undefined) return refusal(404, 10_059, "stream not found");
    if (kind === "STREAM") return this.#onStream(stream, action, body);
    if (action === "CREATE") return stream.createConsumer(name, body["config"] as Config, rest.join("."));
    const consumer = stream.consumers.get(name);
    if (consumer === undefined) return refusal(404, 10_014, "consumer not found");
    if (action === "DELETE") stream.deleteConsumer(name);
    return action === "DELETE" ? { success: true } : consumer.info();
  }

  #createStream(name: string, config: Config): unknown {
    const found = this.streams.get(name);
    if (found !== undefined) return refusal(400, 10_058, "stream name already in use");
    if (this.#overlaps(name, config)) return refusal(400, 10_065, "subjects overlap with an existing stream");
    const stream = new FakeStream(this, name, { max_age: 0, max_msgs: -1, ...config });
    this.streams.set(name, stream);
    return stream.info();
  }

  #overlaps(name: string, config: Config): boolean {
    const others = [...this.streams.values()].filter((stream) => stream.name !== name);
    const taken = others.flatMap(({ subjects }) => subjects);
    return (config["subjects"] as string[]).some((subject) =>
      taken.some((pattern) => matches(pattern, subject) || matches(subject, pattern)),
    );
  }

  #onStream(stream: FakeStream, action: string, body: Config): unknown {
    if (action === "INFO") return stream.info();
    if (action === "UPDATE") {
      if (this.#overlaps(stream.name, body))
        return refusal(400, 10_065, "subjects overlap with an existing stream");
      Object.assign(stream.config, body);
      return stream.info();
    }
    if (action === "MSG") {
      const held = stream.messages.some(({ sequence }) => sequence === body["seq"]);
      return held ? { message: {} } : refusal(404, 10_037, "no message found");
    }
    for (const name of [...stream.consumers.keys()]) stream.deleteConsumer(name);
    this.streams.delete(stream.name);
    return { success: true };
  }

  #answer(message: Published): void {
    const [, , streamName = "", consumer = "", , sequence] = message.subject.split(".");
    const found = this.streams.get(streamName)?.consumers.get(consumer);
    found?.answer(Number(sequence), decoder.decode(message.data));
    // A server says nothing to an ack of what it has not delivered.
    const isDelivered = found === undefined || Number(sequence) < found.next;
    if (message.reply !== undefined && isDelivered) this.send(bare(message.reply, ""));
  }

  #reply(subject: string, answer: unknown): void {
    this.send(bare(subject, JSON.stringify(answer)));
  }
}

export class FakeStream {
  readonly name: string;
  readonly config: Config;
  messages: Stored[] = [];
  readonly consumers = new Map<string, FakeConsumer>();
  lastSequence = 0;
  readonly jetStream: FakeJetStream;

  constructor(jetStream: FakeJetStream, name: string, config: Config) {
    this.jetStream = jetStream;
    this.name = name;
    this.config = config;
  }

  get subjects(): string[] {
    return this.config["subjects"] as string[];
  }

  info(): unknown {
    const { lastSequence: last_seq, messages } = this;
    const first_seq = messages[0]?.sequence ?? (last_seq === 0 ? 0 : last_seq + 1);
    return { config: this.config, state: { messages: messages.length, first_seq, last_seq } };
  }

  store(message: Published): void {
    const ack = this.#keep(message);
    if (message.reply !== undefined) this.jetStream.send(bare(message.reply, JSON.stringify(ack)));
    for (const consumer of this.consumers.values()) consumer.pump();
  }

  #keep(message: Published): unknown {
    const { headers } = message;
    const id = headers?.get("Nats-Msg-Id");
    const twin = this.messages.find(
      (stored) => id !== undefined && stored.message.headers?.get("Nats-Msg-Id") === id,
    );
    if (twin !== undefined) return { stream: this.name, seq: twin.sequence, duplicate: true };
    const home = headers?.get("Nats-Expected-Stream");
    if (home !== undefined && home !== this.name)
      return refusal(400, 10_060, "expected stream does not match");
    const expected = headers?.get("Nats-Expected-Last-Sequence");
    if (expected !== undefined && Number(expected) !== this.lastSequence) {
      return refusal(400, 10_071, `wrong last sequence: ${this.lastSequence}`);
    }
    this.lastSequence += 1;
    const storedAt = 1_000_000 + this.jetStream.clock.now();
    this.messages.push({ sequence: this.lastSequence, storedAt, message });
    return { stream: this.name, seq: this.lastSequence };
  }

  createConsumer(name: string, config: Config, filter: string): unknown {
    const known = this.consumers.get(name);
    if (known !== undefined) return refusal(400, 10_148, "consumer already exists");
    const consumer = new FakeConsumer(this, name, {
      ...config,
      ...(filter === "" ? {} : { filter_subject: filter }),
    });
    this.consumers.set(name, consumer);
    return consumer.info();
  }

  /** `quietly`: those who wait for messages are not told. */
  deleteConsumer(name: string, quietly = false): void {
    this.consumers.get(name)?.end(quietly);
    this.consumers.delete(name);
  }
}

export class FakeConsumer {
  readonly config: Config;
  readonly requests: Request[] = [];
  /** Delivered and not settled: how often, and the timer of the ack deadline. */
  readonly pending = new Map<number, { count: number; timer: Timer }>();
  /** Due for another delivery: how often each was delivered. */
  readonly again = new Map<number, number>();
  /** What came to it, as "sequence answer". */
  readonly answers: string[] = [];
  /** What is due again is delivered in the order it became due, as servers do, and not in the stream's. */
  unsorted = false;
  /** What is given back of these is kept until its ack deadline, each once: a server before 2.10 does that now and then. */
  readonly keptBack = new Set<number>();
  /** Heartbeats are left out. */
  dead = false;
  next: number;
  #deliveries = 0;
  readonly #stream: FakeStream;
  readonly #name: string;

  constructor(stream: FakeStream, name: string, config: Config) {
    this.#stream = stream;
    this.#name = name;
    this.config = config;
    const start = { all: 1, by_start_sequence: Number(config["opt_start_seq"] ?? 1) } as Record<
      string,
      number
    >;
    this.next = start[String(config["deliver_policy"])] ?? stream.lastSequence + 1;
  }

  get outstanding(): number {
    return this.requests.reduce((sum, { left }) => sum + left, 0);
  }

  info(): unknown {
    const unsettled = [...this.pending.keys(), ...this.again.keys()];
    return {
      name: this.#name,
      config: this.config,
      delivered: { stream_seq: this.next - 1, consumer_seq: this.#deliveries },
      ack_floor: { stream_seq: Math.min(this.next, ...unsettled) - 1 },
      num_ack_pending: unsettled.length,
    };
  }

  request(reply: string, options: { batch: number; expires: number; idle_heartbeat: number }): void {
    const request: Request = { reply, left: options.batch, timers: [] };
    this.requests.push(request);
    request.timers.push(
      this.#stream.jetStream.schedule(options.expires / 1e6, () =>
        this.status(request, 408, "Request Timeout"),
      ),
    );
    this.#beat(request, options.idle_heartbeat / 1e6);
    this.pump();
  }

  /** Ends a request, or all, with a status. */
  status(request: Request | undefined, code: number, description: string): void {
    for (const ended of request === undefined ? [...this.requests] : [request]) {
      const headers = new FakeHeaders(code, description);
      headers.append("Nats-Pending-Messages", String(ended.left));
      this.#end(ended);
      this.#stream.jetStream.send(bare(ended.reply, "", headers));
    }
  }

  end(quietly: boolean): void {
    if (!quietly) this.status(undefined, 409, "Consumer Deleted");
    for (const request of [...this.requests]) this.#end(request);
    for (const { timer } of this.pending.values()) timer.cancel();
    this.pending.clear();
  }

  answer(sequence: number, answer: string): void {
    this.answers.push(`${sequence} ${answer}`);
    const held = this.pending.get(sequence);
    if (held === undefined) return;
    if (answer === "-NAK" && this.keptBack.delete(sequence)) return;
    held.timer.cancel();
    if (answer === "+WPI") {
      this.#hold(sequence, held.count);
      return;
    }
    this.pending.delete(sequence);
    if (!answer.startsWith("-NAK")) return;
    const { delay = 0 } = JSON.parse(answer.slice("-NAK".length) || "{}");
    const back = (): void => {
      this.again.set(sequence, held.count);
      this.pump();
    };
    if (delay === 0) back();
    else this.#stream.jetStream.schedule(delay / 1e6, back);
  }

  /** Of a server that was killed: it had not written down that it delivered this one, and what came after it. */
  forget(sequence: number): void {
    for (const [each, { timer }] of [...this.pending]) {
      if (each < sequence) continue;
      timer.cancel();
      this.pending.delete(each);
    }
    this.requests.splice(0);
    this.next = sequence;
  }

  /** The message is delivered again, as after an ack deadline or by a server that has forgotten. */
  repeat(sequence: number, count: number): void {
    this.again.set(sequence, count);
    this.pump();
  }

  pump(): void {
    for (let request = this.#waiting(); request !== undefined; request = this.#waiting()) {
      const sequence = this.#take();
      if (sequence === undefined) return;
      const stored = this.#stream.messages.find((one) => one.sequence === sequence);
      const count = (this.again.get(sequence) ?? 0) + 1;
      this.again.delete(sequence);
      if (stored === undefined) {
        // It counts as delivered for good.
        if (count > 1) this.#hold(sequence, count);
        continue;
      }
      request.left -= 1;
      if (request.left === 0) this.#end(request);
      this.#deliver(stored, count, request.reply);
    }
  }

  #deliver({ sequence, storedAt, message }: Stored, count: number, to: string): void {
    this.#deliveries += 1;
    this.#hold(sequence, count);
    const tokens = [this.#stream.name, this.#name, count, sequence, this.#deliveries, storedAt * 1e6, 0];
    this.#stream.jetStream.send({ ...message, reply: `$JS.ACK.${tokens.join(".")}` }, to);
  }

  #hold(sequence: number, count: number): void {
    const timer = this.#stream.jetStream.schedule(Number(this.config["ack_wait"]) / 1e6, () => {
      this.pending.delete(sequence);
      this.repeat(sequence, count);
    });
    this.pending.set(sequence, { count, timer });
  }

  #waiting(): Request | undefined {
    for (const request of [...this.requests]) {
      if (!this.#stream.jetStream.isWanted(request.reply)) this.#end(request);
    }
    return this.requests.find(({ left }) => left > 0);
  }

  /** The next sequence to deliver. */
  #take(): number | undefined {
    const [back] = this.unsorted ? this.again.keys() : [...this.again.keys()].sort((a, b) => a - b);
    if (back !== undefined) return back;
    const filter = String(this.config["filter_subject"] ?? ">");
    const found = this.#stream.messages.find(
      ({ sequence, message }) => sequence >= this.next && matches(filter, message.subject),
    );
    if (found !== undefined) this.next = found.sequence + 1;
    return found?.sequence;
  }

  #beat(request: Request, everyMs: number): void {
    const { jetStream } = this.#stream;
    request.timers.push(
      jetStream.schedule(everyMs, () => {
        if (!this.dead) jetStream.send(bare(request.reply, "", new FakeHeaders(100, "Idle Heartbeat")));
        this.#beat(request, everyMs);
      }),
    );
  }

  #end(request: Request): void {
    for (const timer of request.timers) timer.cancel();
    const index = this.requests.indexOf(request);
    if (index >= 0) this.requests.splice(index, 1);
  }
}

function bare(subject: string, text: string, headers?: FakeHeaders): Published {
  return { subject, data: encoder.encode(text), reply: undefined, headers };
}

function refusal(code: number, err_code: number, description: string): unknown {
  return { error: { code, err_code, description } };
}
