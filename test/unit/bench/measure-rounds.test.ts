import { expect, test } from 'vitest'
import { measureRounds } from '../../../bench/measure/measure-rounds.ts'

test('everything is measured once in each round, every second time backwards', async () => {
  const order: string[] = []
  const measure = {
    a: async () => order.push('a'),
    b: async () => order.push('b'),
  }
  const heard: number[] = []
  const rounds = await measureRounds<{ a: number; b: number }>(measure, {
    rounds: 2,
    heard: done => heard.push(done),
  })
  expect(order).toEqual(['a', 'b', 'b', 'a'])
  expect(rounds).toEqual([
    { a: 1, b: 2 },
    { a: 4, b: 3 },
  ])
  expect(heard).toEqual([1, 2])
})
