import { decode, encode } from 'cborg'
import type { RandomState } from '../../../supernode/scheduler/random.ts'
import { mutateValue } from './mutate-value.ts'
import type { FuzzTarget } from './target.ts'

type Mutate = NonNullable<FuzzTarget['mutate']>

/** Changes what a JSON text says. */
export const mutateJson: Mutate = (random: RandomState, input: Uint8Array) => {
  try {
    return Buffer.from(JSON.stringify(mutateValue(random, JSON.parse(Buffer.from(input).toString()))))
  } catch {
    return undefined
  }
}

/** Changes what a CBOR message says. */
export const mutateCbor: Mutate = (random: RandomState, input: Uint8Array) => {
  try {
    return encode(mutateValue(random, decode(input)))
  } catch {
    return undefined
  }
}

/** A value as the text of a JSON file. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
