import { describe, expect, test } from 'vitest'
import { createRandom } from '../../supernode/scheduler/random.ts'
import { Corpus, corpusFolders, readCorpus } from '../fuzz/engine/corpus.ts'
import { TARGETS } from '../fuzz/targets.ts'

const targets = TARGETS.filter(({ isProgram = false }) => !isProgram)
const INPUTS = 150

test('every target has a name of its own, and every corpus its target', () => {
  const names = TARGETS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(corpusFolders().filter(folder => !names.includes(folder))).toEqual([])
})

describe.each(targets.map(target => [target.name, target] as const))('%s', (_, target) => {
  test('takes or refuses its corpus and mutations of it', async () => {
    const open = await target.open()
    try {
      for (const [file, input] of readCorpus(target)) {
        expect(input.length, `${file} is longer than its target takes`).toBeLessThanOrEqual(target.maxBytes)
      }
      const corpus = new Corpus(target, createRandom(1))
      for (let taken = 0; taken < INPUTS; taken++) await open.run(corpus.next())
    } finally {
      await open.close?.()
    }
  })
})
