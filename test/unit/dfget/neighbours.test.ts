import { expect, test } from 'vitest'
import { Neighbour, Neighbours } from '../../../dfget/peer/task/neighbours.ts'
import { bitfieldOf } from '../../helpers/scheduler-fixture.ts'

test('a neighbour that joins again has what it had and what it shows', () => {
  const neighbours = new Neighbours()
  expect(neighbours.join('a', bitfieldOf([1]))).toBe(true)
  expect(neighbours.join('a', bitfieldOf([2]))).toBe(true)
  expect([...(neighbours.get('a')?.has ?? [])]).toEqual([1, 2])
  expect(neighbours.list().length).toBe(1)
})

test('a liar does not come back; whoever left may', () => {
  const neighbours = new Neighbours()
  neighbours.join('liar', bitfieldOf([1]))
  neighbours.join('guest', bitfieldOf([1]))
  neighbours.ban('liar')
  neighbours.remove('guest')
  expect(neighbours.list()).toEqual([])
  expect(neighbours.join('liar', bitfieldOf([1]))).toBe(false)
  expect(neighbours.join('guest', bitfieldOf([1]))).toBe(true)
})

test('a suspect does not count as a source until it is forgiven', () => {
  const neighbours = new Neighbours()
  neighbours.join('a', bitfieldOf([7]))
  expect(neighbours.anyHas(7)).toBe(true)
  expect(neighbours.anyHas(8)).toBe(false)
  neighbours.get('a')?.suspectFor(1_000, 500)
  neighbours.forgive(1_499)
  expect(neighbours.anyHas(7)).toBe(false)
  neighbours.forgive(1_500)
  expect(neighbours.anyHas(7)).toBe(true)
})

test('the rate of a neighbour with several requests counts from the delivery before', () => {
  const neighbour = new Neighbour('a', bitfieldOf([]))
  neighbour.delivered(1_000, 0, 10)
  expect(neighbour.rateBytesPerMs).toBe(100)
  neighbour.delivered(1_000, 0, 20)
  expect(neighbour.rateBytesPerMs).toBe(100)
  neighbour.delivered(4_000, 0, 30)
  expect(neighbour.rateBytesPerMs).toBeCloseTo(190)
})

test('failures in a row count, those of one broken stream once', () => {
  const neighbour = new Neighbour('a', bitfieldOf([]))
  expect([neighbour.failed(0, 10), neighbour.failed(1, 10), neighbour.failed(9, 11)]).toEqual([1, 1, 1])
  expect(neighbour.failed(12, 13)).toBe(2)
  neighbour.delivered(1, 13, 14)
  expect(neighbour.failed(15, 16)).toBe(1)
})
