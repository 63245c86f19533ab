/**
 * The payload of a tombstone, a record whose value is null: empty, and this very object. Published as the payload it
 * makes a tombstone, so that a message handed on stays one.
 */
export const tombstone: Uint8Array = new Uint8Array(0);
