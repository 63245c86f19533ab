import { type Deferred, deferred } from "../../src/traits/deferred.ts";
import type { Publisher, TransactionalPublisher } from "../../src/traits/index.ts";
import { isTidelaneError } from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import type { Posting } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { type Content, compose } from "./outgoing.ts";
import type { Stage } from "./stage.ts";

const law = ["transaction-visibility"] as const;

type Result = { readonly error: unknown } | "committed";

/** A transaction of the history, which lasts until a step ends it, or the end of its connection, or its signal. */
export class TransactionActor {
  readonly name: string;
  state: "open" | "ending" | "ended" = "open";
  readonly connection: ConnectionActor;
  readonly #stage: Stage;
  /** Of its connection, when it began: more of them may have cost it its server. */
  readonly #crashes: number;
  /** Holds the work until the transaction is to end. */
  readonly #gate: Deferred<void> = deferred<void>();
  readonly #controller: AbortController = new AbortController();
  #postings: Posting[] = [];
  #inner: Publisher | undefined;
  /** What `transaction()` came to. Never rejects. */
  readonly #result: Promise<Result>;

  constructor(stage: Stage, connection: ConnectionActor, publisher: TransactionalPublisher, name: string) {
    this.#stage = stage;
    this.connection = connection;
    this.#crashes = connection.crashes;
    this.name = name;
    stage.trace.line(`begin ${name}${connection.label}`);
    // The work may not have begun when it is given up.
    this.#gate.promise.catch(() => undefined);
    const work = (inner: Publisher): Promise<void> => {
      this.#inner = inner;
      return this.#gate.promise;
    };
    this.#result = publisher.transaction(work, { signal: this.#controller.signal }).then(
      () => "committed" as const,
      (error: unknown) => ({ error }),
    );
    void this.#result.then((result) => {
      if (this.state === "open") this.#endedByItself(result);
    });
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Publishes in the transaction; once it is over that has to fail. */
  async publish(content: Content): Promise<void> {
    const { ledger, trace } = this.#stage;
    if (this.#inner === undefined) return;
    const { posting: facts, message, text } = compose(this.#stage, content, this.name);
    const posting = ledger.sending({ ...facts, transaction: this.name });
    const line = trace.line(`publish ${text} in ${this.name}`);
    const over = this.state !== "open";
    const gone = this.connection.state === "closed";
    if (!over) this.#postings.push(posting);
    ledger.transacted.heldBack(posting);
    try {
      await this.#stage.track(`publish of #${facts.id} in ${this.name}`, law, this.#inner.publish(message));
      if (!over && !gone) return;
      const end = over ? this.name : this.connection.name;
      this.#violate(`the publish of #${facts.id} resolved after the end of ${end}`, "it rejects");
    } catch (error) {
      line.outcome(nameOfError(error));
      this.#postings = this.#postings.filter((other) => other !== posting);
      const refused =
        !over && posting.refusable === true && isTidelaneError(error, "TIDELANE_INVALID_MESSAGE");
      ledger.notSent(posting, refused ? "publish-refuses" : "transaction-visibility");
      if (refused) return;
      // The transaction may have ended while the publish was on its way.
      const ended = over || gone || this.state !== "open";
      if (ended && isTidelaneError(error, "TIDELANE_TRANSACTION")) return;
      if (this.#disturbed && isTidelaneError(error)) return;
      this.#violate(
        `the publish of #${facts.id} in ${this.name} rejected with ${nameOfError(error)}`,
        over ? "it rejects with TransactionError" : "it resolves",
      );
    }
  }

  async commit(): Promise<void> {
    const { ledger, trace } = this.#stage;
    this.state = "ending";
    const line = trace.line(`commit ${this.name}`);
    // What ended before it was committed is not to be seen.
    const over = this.aborted || this.connection.state === "closed";
    if (!over) ledger.transacted.committing(this.#postings);
    this.#gate.resolve();
    const result = await this.#end();
    if (result === "committed") {
      const why = this.aborted ? "its signal fired" : "its connection ended";
      if (over) this.#violate(`${this.name} committed after ${why}`, "it rejects", ["abort-is-prompt"]);
      for (const posting of this.#postings) ledger.sent(posting);
      return;
    }
    line.outcome(nameOfError(result.error));
    if (over) this.#refuse();
    else this.#undecided();
    const full =
      isTidelaneError(result.error, "TIDELANE_PUBLISH_FAILED") &&
      this.#postings.some((posting) => ledger.overlapsDeparture(posting));
    if (full || (this.#disturbed && isTidelaneError(result.error))) return;
    this.#violate(`${this.name} rejected with ${nameOfError(result.error)}`, "it commits");
  }

  /** The work throws: nothing of it is to be seen. */
  async abandon(): Promise<void> {
    this.state = "ending";
    this.#stage.trace.line(`${this.name} throws`);
    const reason = new Error(`${this.name} was given up`);
    this.#gate.reject(reason);
    const result = await this.#end();
    this.#refuse();
    if (result !== "committed" && result.error === reason) return;
    if (result !== "committed" && this.#disturbed && isTidelaneError(result.error)) return;
    this.#violate(`${this.name}, whose work threw, ${answerOf(result)}`, "the error of the work is rethrown");
  }

  /** Its signal fires. Before it is being committed, that ends it. */
  async abort(): Promise<void> {
    this.#stage.trace.line(`abort ${this.name}`);
    const early = this.state === "open";
    this.#controller.abort(new Error("a step of the history"));
    if (!early || !this.#stage.pace.virtual) return;
    const prompt = await this.#stage.pace.within(this.#result, 0);
    if (prompt || this.state !== "open") return;
    this.#violate(`${this.name} went on when its signal fired`, "it rejects with AbortedError", [
      "abort-is-prompt",
    ]);
  }

  /** Something else than its work may have ended it. */
  get #disturbed(): boolean {
    const { state, crashes } = this.connection;
    return this.aborted || state !== "open" || crashes !== this.#crashes;
  }

  #endedByItself(result: Result): void {
    this.state = "ended";
    const line = this.#stage.trace.line(`${this.name} ends`);
    line.outcome(answerOf(result));
    this.#refuse();
    const known =
      result !== "committed" &&
      this.#disturbed &&
      (isTidelaneError(result.error, "TIDELANE_ABORTED") === this.aborted ||
        this.connection.state !== "open");
    if (known && isTidelaneError(result.error)) return;
    this.#violate(`${this.name} ${answerOf(result)} while its work went on`, "it ends with its work");
  }

  /** Nothing of it is there. */
  #refuse(): void {
    for (const posting of this.#postings) this.#stage.ledger.notSent(posting, "transaction-visibility");
  }

  #undecided(): void {
    for (const posting of this.#postings) this.#stage.ledger.notSent(posting, undefined);
    this.#stage.ledger.transacted.undecided(this.#postings);
  }

  async #end(): Promise<Result> {
    await this.#stage.track(
      `the end of ${this.name}`,
      law,
      this.#result.then(() => undefined),
    );
    this.state = "ended";
    return this.#result;
  }

  #violate(observed: string, expected: string, others: readonly LawName[] = []): void {
    this.#stage.violate([...law, ...others], observed, expected);
  }
}

function answerOf(result: Result): string {
  return result === "committed" ? "resolved" : `rejected with ${nameOfError(result.error)}`;
}
