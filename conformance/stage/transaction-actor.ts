import { type Deferred, deferred } from "../../src/traits/deferred.ts";
import type { Publisher, TransactionalPublisher } from "../../src/traits/index.ts";
import { isTidelaneError } from "../../src/traits/index.ts";
import type { Posting } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { type Content, compose } from "./outgoing.ts";
import type { Stage } from "./stage.ts";

const law = ["transaction-visibility"] as const;

/** A transaction of the history, which lasts until a step ends it. */
export class TransactionActor {
  readonly name: string;
  state: "open" | "ending" | "ended" = "open";
  readonly connection: ConnectionActor;
  readonly #stage: Stage;
  /** Holds the work until the transaction is to end. */
  readonly #gate: Deferred<void> = deferred<void>();
  readonly #postings: Posting[] = [];
  #inner: Publisher | undefined;
  /** What `transaction()` came to. Never rejects. */
  readonly #result: Promise<{ readonly error: unknown } | "committed">;

  constructor(stage: Stage, connection: ConnectionActor, publisher: TransactionalPublisher, name: string) {
    this.#stage = stage;
    this.connection = connection;
    this.name = name;
    stage.trace.line(`begin ${name}${connection.label}`);
    // The work may not have begun when it is given up.
    this.#gate.promise.catch(() => undefined);
    this.#result = publisher
      .transaction((inner) => {
        this.#inner = inner;
        return this.#gate.promise;
      })
      .then(
        () => "committed" as const,
        (error: unknown) => ({ error }),
      );
  }

  /** Publishes in the transaction; once it is over that has to fail. */
  async publish(content: Content): Promise<void> {
    const { ledger, trace } = this.#stage;
    if (this.#inner === undefined) return;
    const { posting: facts, message, text } = compose(this.#stage, content, this.name);
    const posting = ledger.sending(facts);
    const line = trace.line(`publish ${text} in ${this.name}`);
    const over = this.state !== "open";
    if (!over) this.#postings.push(posting);
    ledger.heldBack(posting);
    try {
      await this.#stage.track(`publish of #${facts.id} in ${this.name}`, law, this.#inner.publish(message));
      if (over)
        this.#violate(`the publish of #${facts.id} resolved after the end of ${this.name}`, "it rejects");
    } catch (error) {
      line.outcome(nameOfError(error));
      if (over && isTidelaneError(error, "TIDELANE_TRANSACTION"))
        ledger.notSent(posting, "transaction-visibility");
      else
        this.#violate(
          `the publish of #${facts.id} in ${this.name} rejected with ${nameOfError(error)}`,
          over ? "it rejects with TransactionError" : "it resolves",
        );
    }
  }

  async commit(): Promise<void> {
    this.state = "ending";
    const line = this.#stage.trace.line(`commit ${this.name}`);
    this.#stage.ledger.committing(this.#postings);
    this.#gate.resolve();
    const result = await this.#end();
    if (result === "committed") {
      for (const posting of this.#postings) this.#stage.ledger.sent(posting);
      return;
    }
    line.outcome(nameOfError(result.error));
    for (const posting of this.#postings) this.#stage.ledger.notSent(posting, undefined);
    if (this.connection.state === "open")
      this.#violate(`${this.name} rejected with ${nameOfError(result.error)}`, "it commits");
  }

  /** The work throws: nothing of it is to be seen. */
  async abandon(): Promise<void> {
    this.state = "ending";
    this.#stage.trace.line(`${this.name} throws`);
    const reason = new Error(`${this.name} was given up`);
    this.#gate.reject(reason);
    const result = await this.#end();
    for (const posting of this.#postings) this.#stage.ledger.notSent(posting, "transaction-visibility");
    if (result !== "committed" && result.error === reason) return;
    const answer = result === "committed" ? "resolved" : `rejected with ${nameOfError(result.error)}`;
    this.#violate(`${this.name}, whose work threw, ${answer}`, "the error of the work is rethrown");
  }

  async #end(): Promise<{ readonly error: unknown } | "committed"> {
    await this.#stage.track(
      `the end of ${this.name}`,
      law,
      this.#result.then(() => undefined),
    );
    this.state = "ended";
    return this.#result;
  }

  #violate(observed: string, expected: string): void {
    this.#stage.violate(law, observed, expected);
  }
}
