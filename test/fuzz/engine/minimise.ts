/** Runs that a minimisation may take. */
const RUNS = 3_000

/**
 * Makes an input that fails smaller: takes away ever smaller pieces, then makes bytes plain.
 * @param fails whether another input fails in the same way
 */
export async function minimise(
  input: Uint8Array,
  fails: (candidate: Uint8Array) => Promise<boolean>,
  runs = RUNS,
): Promise<Uint8Array> {
  let smallest = input
  let left = runs
  const take = async (candidate: Uint8Array): Promise<boolean> => {
    if (left-- <= 0 || !(await fails(candidate))) return false
    smallest = candidate
    return true
  }
  for (
    let length = Math.ceil(input.length / 2);
    length > 0 && left > 0;
    length = length === 1 ? 0 : Math.ceil(length / 2)
  ) {
    for (let at = 0; at < smallest.length && left > 0; ) if (!(await take(without(smallest, at, length)))) at += length
  }
  for (let at = 0; at < smallest.length && left > 0; at++) {
    const plain = Uint8Array.from(smallest)
    plain[at] = 0x61
    if (smallest[at] !== 0x61) await take(plain)
  }
  return smallest
}

function without(input: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array(Buffer.concat([input.subarray(0, at), input.subarray(at + length)]))
}
