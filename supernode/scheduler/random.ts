/** A pseudo-random stream as plain data, so that the same events and seed give the same effects. */
export interface RandomState {
  /** 32 bits, all of the state. */
  value: number
}

/** Starts a stream. @param seed any integer; its low 32 bits count */
export function createRandom(seed: number): RandomState {
  return { value: seed >>> 0 }
}

/** The next 32 bits of the stream (splitmix32). Not for secrets. */
export function nextRandom(random: RandomState): number {
  random.value = (random.value + 0x9e3779b9) >>> 0
  let bits = random.value
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return (bits ^ (bits >>> 15)) >>> 0
}

/** The next integer of the stream with 0 ≤ result < `below`. */
export function nextBelow(random: RandomState, below: number): number {
  return Math.floor((nextRandom(random) / 2 ** 32) * below)
}
