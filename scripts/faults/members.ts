import { Member } from "./member.ts";
import type { ConsumerSite } from "./messages.ts";

/** The consumers of a round: the first is always there, others come and go. */
export class Members {
  readonly #site: Omit<ConsumerSite, "member">;
  readonly #note: (text: string) => void;
  readonly #members: Member[] = [];
  #started = 0;

  constructor(site: Omit<ConsumerSite, "member">, note: (text: string) => void) {
    this.#site = site;
    this.#note = note;
  }

  get size(): number {
    return this.#members.length;
  }

  /** The one that has been there longest. */
  get oldest(): Member {
    const [oldest] = this.#members;
    if (oldest === undefined) throw new Error("There is no consumer.");
    return oldest;
  }

  /** Whether the machine is still busy with the program of one of them. */
  get loading(): boolean {
    return this.#members.some(({ loading }) => loading);
  }

  /** "consumer 0 is open, consumer 2 is opening" */
  describe(): string {
    return this.#members.map((member) => member.describe()).join(", ");
  }

  /** Any of them, chosen by a number from 0 to 1. */
  any(random: number): Member {
    return this.#members[Math.floor(random * this.#members.length)] ?? this.oldest;
  }

  async add(): Promise<Member> {
    const member = new Member({ ...this.#site, member: this.#started }, this.#note);
    this.#started += 1;
    this.#members.push(member);
    await member.start();
    return member;
  }

  /** It is not chosen any more; the caller makes it leave. */
  remove(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  async leave(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => member.leave("drain")));
  }

  async kill(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => member.kill()));
  }
}
