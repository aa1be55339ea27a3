import { expect, test } from 'vitest'
import { measureRounds } from '../../../bench/measure/measure-rounds.ts'

test('everything is measured once in each round, every second time backwards, and prepared for', async () => {
  const order: string[] = []
  const measure = {
    a: async () => order.push('a'),
    b: async () => order.push('b'),
  }
  const heard: number[] = []
  const rounds = await measureRounds<{ a: number; b: number }>(measure, {
    rounds: 2,
    prepare: async () => void order.push('prepare'),
    heard: done => heard.push(done),
  })
  expect(order).toEqual(['prepare', 'a', 'prepare', 'b', 'prepare', 'b', 'prepare', 'a'])
  expect(rounds).toEqual([
    { a: 2, b: 4 },
    { a: 8, b: 6 },
  ])
  expect(heard).toEqual([1, 2])
})
