import { expect, test } from 'vitest'
import { drawRegistrations } from '../../../bench/registrations/draw.ts'
import { type RegistrationFigures, registrationsJson } from '../../../bench/registrations/figures.ts'
import { sendAtRate } from '../../../bench/registrations/open-loop.ts'
import { EXPECTED, kindOf } from '../../../bench/registrations/request-kinds.ts'

const FIGURES: RegistrationFigures = {
  ...{ sent: 4, elapsedMs: 2000, validMs: [1, 2.345, 3], invalidMs: [40], lateMs: [0.5], cpuSeconds: 0.5 },
  wrong: { 'forbidden: 200 ': 2 },
  ...{ perSecond: 2, identities: 3, contents: 5, supernodeCpuSeconds: 1, commit: '0123456789ab' },
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('a quarter of the registrations is wrong, in every way equally often', () => {
  const counts: Record<string, number> = {}
  for (let index = 0; index < 3600; index++) counts[kindOf(index)] = (counts[kindOf(index)] ?? 0) + 1
  const { valid, ...invalid } = counts
  expect([valid, Object.keys(invalid).length]).toEqual([2700, Object.keys(EXPECTED).length - 1])
  expect(new Set(Object.values(invalid))).toEqual(new Set([100]))
})

test('what is sent at a rate is due at its time, however long answers take', async () => {
  const dues: number[] = []
  const slow = Promise.withResolvers<void>()
  const sending = sendAtRate({ perSecond: 1_000, count: 20 }, async (index, dueMs) => {
    dues.push(dueMs)
    if (index === 0) await slow.promise
    if (index === 19) slow.resolve()
  })
  await sending
  expect(dues.map(dueMs => Math.round(dueMs - (dues[0] ?? 0)))).toEqual(Array.from({ length: 20 }, (_, at) => at))
})

test('the figures are over all answers, with wrong ones counted', () => {
  const json = registrationsJson(FIGURES)
  expect(json).toMatchObject({ p50Ms: 2.35, p99Ms: 40, maxMs: 40, wrongAnswers: 2, answeredPerSecond: 2 })
  expect(json).toMatchObject({ supernodeCpuShare: 0.5, supernodeCpuMsPerRegistration: 250, loaderCpuShare: 0.25 })
  expect([json.valid.count, json.invalid.p99Ms]).toEqual([3, 40])
  expect(drawRegistrations(json)).toContain('wrong answers: 2 × forbidden: 200 .')
})
