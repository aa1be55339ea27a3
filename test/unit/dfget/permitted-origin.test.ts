import { expect, test } from 'vitest'
import { ForbiddenTasks } from '../../../dfget/peer/forbidden-tasks.ts'
import { createPermittedOrigin } from '../../../dfget/peer/permitted-origin.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { taskIdOfDigest } from '../../../protocol/task.ts'
import { fakeOrigin } from '../../helpers/fake-origin.ts'

const SOURCE: Source = { url: 'http://h/a', headers: {} }

test('an origin is read, but not for what is for the swarm alone', async () => {
  const origin = fakeOrigin(Buffer.from('content'))
  const permitted = createPermittedOrigin(origin, new ForbiddenTasks())
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
  expect(createPermittedOrigin(fakeOrigin(new Uint8Array()), new ForbiddenTasks()).locate).toBeUndefined()
  const locate = async (source: Source) => ({ ...source, url: 'http://located/' })
  const permitted = createPermittedOrigin({ ...fakeOrigin(new Uint8Array()), locate }, new ForbiddenTasks())
  expect(await permitted.locate?.({ ...SOURCE, swarmOnly: true })).toMatchObject({ url: 'http://located/' })
})

test('what is blocked is read from nowhere, until it is allowed again', async () => {
  const origin = fakeOrigin(Buffer.from('content'))
  const forbidden = new ForbiddenTasks()
  const permitted = createPermittedOrigin(origin, forbidden)
  const digest = digestOf(Buffer.from('content'))
  const task = taskIdOfDigest(digest)
  forbidden.forbid([task])
  for (const ask of [() => permitted.open({ ...SOURCE, digest }), () => permitted.check({ ...SOURCE, digest })]) {
    await expect(ask()).rejects.toMatchObject({ code: 'TASK_BLOCKED' })
  }
  expect(await permitted.check(SOURCE)).toMatchObject({ sizeBytes: 7 })
  forbidden.allow([task])
  expect(await permitted.check({ ...SOURCE, digest })).toMatchObject({ sizeBytes: 7 })
})
