import { expect, test } from 'vitest'
import { nextStep } from '../../../supernode/next-step.ts'

const awaiting = (awaits: boolean) => ({ awaitsFirstNode: () => awaits })

test.each([
  ['./damselfly/supernode', 'supernode token create --role node'],
  ["/srv/it's here", "supernode token create --role node --data-dir '/srv/it'\\''s here'"],
])('a supernode in %s that no node has joined says how one can', (dataDir, command) => {
  expect(nextStep(awaiting(true), { dataDir })).toBe(
    `no node has joined yet: "${command}" prints the line to run on one\n`,
  )
})

test('any other says nothing', () => {
  expect(nextStep(awaiting(false), { dataDir: './damselfly/supernode' })).toBeUndefined()
})
