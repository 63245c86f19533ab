/** What is sent everywhere: an order as JSON, of 512 bytes unless told otherwise. */
export interface Order {
  readonly sequence: number;
  readonly customer: string;
  readonly note: string;
}

/** Of message `sequence`, where there are `count` keys. */
export function keyOf(sequence: number, count: number): string {
  return `customer-${sequence % count}`;
}

const digits = 12;
const head = '{"sequence":';

/**
 * Makes payloads of exactly `size` bytes. The number is padded with spaces, which JSON allows, so that each costs the
 * same to make and to parse.
 */
export function orderWriter(size = 512): (sequence: number) => Buffer {
  const between = ',"customer":"customer-0042","note":"';
  const padding = size - head.length - digits - between.length - 2;
  if (padding < 0)
    throw new RangeError(`An order has at least ${size - padding} bytes; ${size} were asked for.`);
  const note = "nothing to see here, only words ".repeat(Math.ceil(padding / 32)).slice(0, padding);
  const template = Buffer.from(`${head}${" ".repeat(digits)}${between}${note}"}`);
  return (sequence) => {
    const payload = Buffer.from(template);
    payload.write(String(sequence).padStart(digits), head.length, "latin1");
    return payload;
  };
}
