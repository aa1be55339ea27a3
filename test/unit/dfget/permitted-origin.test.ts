import { expect, test } from 'vitest'
import { createPermittedOrigin } from '../../../dfget/peer/permitted-origin.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { fakeOrigin } from '../../helpers/fake-origin.ts'

const SOURCE: Source = { url: 'http://h/a', headers: {} }

test('an origin is read, but not for what is for the swarm alone', async () => {
  const origin = fakeOrigin(Buffer.from('content'))
  const permitted = createPermittedOrigin(origin)
  const swarmOnly = { ...SOURCE, swarmOnly: true }
  for (const ask of [() => permitted.open(swarmOnly), () => permitted.check(swarmOnly)]) {
    await expect(ask()).rejects.toMatchObject({ code: 'BACK_TO_SOURCE_DISABLED' })
  }
  expect([origin.opened, origin.checked]).toEqual([[], []])
  for (const source of [SOURCE, { ...SOURCE, swarmOnly: false }]) {
    ;(await permitted.open(source, { start: 3 })).close()
    expect(await permitted.check(source)).toMatchObject({ sizeBytes: 7 })
  }
  expect(origin.opened).toEqual([3, 3])
})

test('what others read it under is told, also of what is for the swarm alone', async () => {
  expect(createPermittedOrigin(fakeOrigin(new Uint8Array())).locate).toBeUndefined()
  const locate = async (source: Source) => ({ ...source, url: 'http://located/' })
  const permitted = createPermittedOrigin({ ...fakeOrigin(new Uint8Array()), locate })
  expect(await permitted.locate?.({ ...SOURCE, swarmOnly: true })).toMatchObject({ url: 'http://located/' })
})
