/**
 * Copies bytes to a place in memory that may be shared with other threads. V8's own `set` copies to shared memory as one that others
 * watch, byte by byte where the addresses are odd: that took a quarter of the time in which a peer received. Filling is a plain copy.
 */
export function copyInto(target: Uint8Array, at: number, bytes: Uint8Array): void {
  if (bytes.length > 0) Buffer.prototype.fill.call(target, bytes, at, at + bytes.length)
}
