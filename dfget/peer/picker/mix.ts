/** 32 well-mixed bits of two integers: a random number that needs no state. Not for secrets. */
export function mix(seed: number, index: number): number {
  let bits = Math.imul(index + 1, 0x9e3779b9) ^ Math.imul(seed, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return (bits ^ (bits >>> 15)) >>> 0
}
