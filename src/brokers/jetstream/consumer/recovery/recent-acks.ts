/** A server writes acks to disk a few times a second. Up to this many may come in between. */
const remembered = 16_384;

/** A message of a stream, and of no other stream of that name: its sequence, and when it was stored. */
interface Identity {
  readonly sequence: number;
  readonly storedAt: number;
}

/**
 * The last acks, in case the server forgets them: a server that was killed knows only what it had written to disk, and
 * delivers the rest again.
 */
export class RecentAcks {
  /** A ring of pairs of sequence and time; `#count` counts all that were ever put in. */
  #ring: Float64Array | undefined = undefined;
  #count = 0;
  /** What was in the ring when the connection was lost, less what came again: times by sequence. */
  readonly #doubtful = new Map<number, number>();

  settled({ sequence, storedAt }: Identity): void {
    this.#ring ??= new Float64Array(2 * remembered);
    const slot = 2 * (this.#count % remembered);
    this.#ring[slot] = sequence;
    this.#ring[slot + 1] = storedAt;
    this.#count += 1;
  }

  /** The connection is lost: the server may not be the one it was. */
  connectionLost(): void {
    const held = Math.min(this.#count, remembered);
    for (let slot = 0; slot < 2 * held; slot += 2) {
      this.#doubtful.set(this.#ring?.[slot] ?? 0, this.#ring?.[slot + 1] ?? 0);
    }
    this.#count = 0;
  }

  /** It was settled across a loss: the server may have forgotten that it delivered it. */
  doubt({ sequence, storedAt }: Identity): void {
    this.#doubtful.set(sequence, storedAt);
  }

  /** Whether a delivery is one that the server has forgotten the ack of. Said once of each. */
  cameAgain({ sequence, storedAt }: Identity): boolean {
    return this.#doubtful.get(sequence) === storedAt && this.#doubtful.delete(sequence);
  }

  /** Everything is to be delivered as if for the first time. */
  clear(): void {
    this.#count = 0;
    this.#doubtful.clear();
  }
}
