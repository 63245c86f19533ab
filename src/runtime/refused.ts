/** What the compiler shows in place of something that cannot be had here: why not. */
export interface Refused<Sentence extends string> {
  readonly refused: Sentence;
}
