import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nextBelow, type RandomState } from '../../../supernode/scheduler/random.ts'
import { mutateBytes, pick } from './mutate-bytes.ts'
import type { FuzzTarget } from './target.ts'

const FOLDER = new URL('../corpus/', import.meta.url)

/** The folders that hold inputs, each called by its target. */
export function corpusFolders(): readonly string[] {
  return readdirSync(fileURLToPath(FOLDER))
}

/** The inputs of a target that are kept in the repository, by file name. */
export function readCorpus({ name }: Pick<FuzzTarget, 'name'>): ReadonlyMap<string, Uint8Array> {
  const folder = fileURLToPath(new URL(`${name}/`, FOLDER))
  if (!existsSync(folder)) return new Map()
  const files = readdirSync(folder).toSorted()
  return new Map(files.map(file => [file, new Uint8Array(readFileSync(`${folder}${file}`))]))
}

/** Where inputs come from: first each known one as it is, then ever new mutations of them. */
export class Corpus {
  readonly #target: FuzzTarget
  readonly #random: RandomState
  readonly #known: readonly Uint8Array[]
  readonly #dictionary: readonly Uint8Array[]
  #given = 0

  /** @param random the same stream gives the same inputs, as long as the corpus is the same */
  constructor(target: FuzzTarget, random: RandomState) {
    const { dictionary = [], seeds } = target
    this.#target = target
    this.#random = random
    this.#known = [...readCorpus(target).values(), ...(seeds?.() ?? []), new Uint8Array(0)].map(input =>
      Uint8Array.from(input.subarray(0, target.maxBytes)),
    )
    this.#dictionary = dictionary.map(piece => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece))
  }

  next(): Uint8Array {
    const known = this.#known[this.#given++]
    if (known !== undefined) return known
    const { maxBytes, mutate } = this.#target
    const random = this.#random
    const input = this.#any()
    const meant = mutate !== undefined && nextBelow(random, 2) === 0 ? mutate(random, input) : undefined
    if (meant !== undefined && nextBelow(random, 3) > 0) return meant.subarray(0, maxBytes)
    const sources = { dictionary: this.#dictionary, other: () => this.#any(), maxBytes }
    return mutateBytes(random, meant ?? input, sources)
  }

  #any(): Uint8Array {
    return pick(this.#random, this.#known)
  }
}
