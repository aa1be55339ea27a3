import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DfgetConfig } from '../../dfget/config.ts'
import { createDfget } from '../../dfget/create-dfget.ts'
import { loadConfig } from '../../lib/config/load-config.ts'
import { silentLogger } from '../../lib/logger.ts'
import type { LoggedEvent } from '../../supernode/control/event-log.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster } from '../helpers/cluster.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024

test('the supernode hears of a preheat that nobody waits for it, and when somebody does', async () => {
  await using scratch = await createScratchDirectory()
  const eventLog = join(scratch.path, 'events.jsonl')
  await using cluster = await startCluster({ bandwidthBytesPerSecond: MIB })
  const supernode = await cluster.supernode({ eventLog })
  const blob = await seedBlob(cluster.registry, 4 * MIB)
  const dfget = await createDfget(
    loadConfig('dfget', DfgetConfig, { flags: { supernode: supernode.url } }),
    { path: join(scratch.path, 'dfget'), kept: 'always' },
    silentLogger(),
  )
  await using stack = new AsyncDisposableStack()
  stack.defer(() => dfget.stop())
  await dfget.start()
  const priorities = async () =>
    (await readFile(eventLog, 'utf8'))
      .split('\n')
      .filter(line => line.endsWith('}'))
      .map(line => (JSON.parse(line) as LoggedEvent).event)
      .flatMap(event => (event.type === 'join' ? [event.priority] : []))
  const joins = (count: number) =>
    waitFor(async () => (await priorities()).length >= count, { timeoutMs: 10_000, what: `${count} joins` })

  const source = {
    url: `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`,
    headers: {},
    digest: blob.digest,
  }
  const { signal } = new AbortController()
  await dfget.peer.open(source, { signal, background: true })
  await joins(1)
  expect(await priorities()).toEqual(['background'])

  await dfget.peer.open(source, { signal, background: true })
  await dfget.peer.open(source, { signal })
  await joins(2)
  await dfget.peer.open(source, { signal })
  expect(await priorities()).toEqual(['background', undefined])
})
