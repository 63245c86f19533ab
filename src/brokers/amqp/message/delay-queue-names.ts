/** The queue in which messages of `queue` wait for `delayMs`. */
export function delayQueueName(queue: string, delayMs: number): string {
  return `${queue}.delay.${delayMs}`;
}

export function isDelayQueue(name: string): boolean {
  return /\.delay\.\d+$/.test(name);
}

/** Whether a message that waited in `name` returned to `queue`. */
export function isDelayQueueOf(queue: string, name: string): boolean {
  return isDelayQueue(name) && name.startsWith(`${queue}.delay.`);
}
