import { TransactionError, throwIfAborted } from "../../../traits/errors.ts";
import { settledAtOnce } from "../../../traits/message.ts";
import type { OutgoingMessage, Publisher, PublishOptions } from "../../../traits/publisher.ts";
import { PendingCall } from "../../shared/pending-call.ts";
import type { Argument, ConnectionListener, ServerConnection } from "../client.ts";
import { streamFault } from "../errors.ts";
import type { SendQueue } from "./send-queue.ts";

/**
 * Streams | for each stream whether it must be there, then for each entry: its stream, how many arguments, the arguments. What
 * could fail is looked at first, because a script that fails half way keeps what it did.
 */
const commitScript = `
for index, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= 'none' and type ~= 'stream' then return redis.error_reply('WRONGTYPE ' .. key .. ' is no stream') end
  if type == 'none' and ARGV[index] == '1' then return redis.error_reply('NOSTREAM there is no stream ' .. key) end
end
local at = #KEYS + 1
while at <= #ARGV do
  local command, count = { 'XADD', KEYS[tonumber(ARGV[at])] }, tonumber(ARGV[at + 1])
  for index = at + 2, at + 1 + count do command[#command + 1] = ARGV[index] end
  redis.call(unpack(command))
  at = at + 2 + count
end
return 1`;

/** An XADD: its stream, and what follows it. */
export interface Addition {
  readonly stream: string;
  readonly args: readonly Argument[];
  /** Its stream must be there already. */
  readonly mustExist: boolean;
}

/** Collects what is published inside, and adds all of it by one script when the work is done. */
export class Transaction<T> implements ConnectionListener {
  readonly #connection: ServerConnection;
  readonly #queue: SendQueue;
  readonly #check: (message: OutgoingMessage) => Addition;
  readonly #additions: Addition[] = [];
  /** The work is over: nothing joins any more. */
  #over = false;
  #call: PendingCall<T> | undefined;

  constructor(connection: ServerConnection, queue: SendQueue, check: (message: OutgoingMessage) => Addition) {
    this.#connection = connection;
    this.#queue = queue;
    this.#check = check;
  }

  /** Ends with the work, or sooner by the signal or the connection; nothing is visible then. */
  run(work: (publisher: Publisher) => Promise<T>, inner: Publisher, signal?: AbortSignal): Promise<T> {
    const publisher: Publisher = {
      capabilities: { ...inner.capabilities, transactions: false, requestReply: false },
      publish: (message, options) => this.#publish(message, options),
    };
    return new Promise((resolve, reject) => {
      const call = new PendingCall<T>("transaction()", signal, { resolve, reject });
      this.#call = call;
      this.#connection.add(this);
      const end = (): void => {
        this.#over = true;
        this.#connection.delete(this);
      };
      settledAtOnce
        .then(() => work(publisher))
        .then(
          (result) => {
            end();
            if (!call.over) this.#commit(result, call, signal);
          },
          (error: unknown) => {
            end();
            call.reject(error);
          },
        );
    });
  }

  async connectionEnded(): Promise<void> {
    this.#call?.reject(this.#connection.closedError("transaction()"));
  }

  #commit(result: T, call: PendingCall<T>, signal: AbortSignal | undefined): void {
    if (this.#additions.length === 0) {
      call.resolve(result);
      return;
    }
    const streams = [...new Set(this.#additions.map(({ stream }) => stream))];
    const required = new Set(
      this.#additions.filter(({ mustExist }) => mustExist).map(({ stream }) => stream),
    );
    this.#queue.send({
      what: "transaction()",
      args: [
        ...["EVAL", commitScript, String(streams.length), ...streams],
        ...streams.map((stream) => (required.has(stream) ? "1" : "0")),
        ...this.#additions.flatMap(({ stream, args }) => [
          String(streams.indexOf(stream) + 1),
          String(args.length),
          ...args,
        ]),
      ],
      signal,
      answered: () => call.resolve(result),
      failed: (error) => call.reject(this.#failure(error)),
    });
  }

  #failure(error: unknown): unknown {
    const { secrets } = this.#connection.settings;
    const { reason } = streamFault(this.#additions[0]?.stream ?? "", error);
    return new TransactionError({ reason: secrets.clean(reason), cause: secrets.cause(error) });
  }

  async #publish(message: OutgoingMessage, options: PublishOptions | undefined): Promise<void> {
    this.#connection.check("publish()");
    if (this.#over || this.#call?.over) {
      throw new TransactionError({ reason: "a message was published with its publisher after it had ended" });
    }
    throwIfAborted(options?.signal, "publish()");
    this.#additions.push(this.#check(message));
  }
}
