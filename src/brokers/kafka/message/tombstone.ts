/**
 * The payload of a tombstone, a record whose value is null. Publish this object as the payload to write one. A
 * delivered tombstone has this object as its payload, so it stays a tombstone when you publish it again.
 */
export const tombstone: Uint8Array = new Uint8Array(0);
