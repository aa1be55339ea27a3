/** 32 well-mixed bits of two integers: a random number that needs no state. Not for secrets. */
export function mix(seed: number, index: number): number {
  let bits = Math.imul(index + 1, 0x9e3779b9) ^ Math.imul(seed, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return (bits ^ (bits >>> 15)) >>> 0
}

/** Whether the `count`th of equals replaces the one drawn before: each of them is left with the same chance. */
export function lot(random: number, count: number): boolean {
  return mix(random, count) < 2 ** 32 / count
}
