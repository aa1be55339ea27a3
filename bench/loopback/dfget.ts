/*
 * The peer of a dfget as a process of a benchmark: dfget.ts SETTINGS DIRECTORY, settings being a JSON object by dotted path, as
 * flags give them. Asked to `fetch` content it answers when all of it is verified and stored.
 */
import { tuneHeap } from '../../lib/tune-heap.ts'
import type { Fetched, Wanted } from './fetched.ts'

// As its program does, before the rest is loaded.
tuneHeap()
const { DfgetConfig } = await import('../../dfget/config.ts')
const { createDfget } = await import('../../dfget/create-dfget.ts')
const { loadConfig } = await import('../../lib/config/load-config.ts')
const { createLogger } = await import('../../lib/logger.ts')
const { answerParent } = await import('../measure/answer-parent.ts')
const { cpuSeconds } = await import('../measure/cpu-seconds.ts')

const [, , settings = '{}', path = ''] = process.argv
const config = loadConfig('dfget', DfgetConfig, { flags: JSON.parse(settings) })
const dfget = await createDfget(config, { path, kept: 'always' }, createLogger('dfget', config.logLevel))
await dfget.start()

answerParent({ peerId: () => dfget.peer.peerId, fetch: fetchContent, cpuSeconds, stop: () => dfget.stop() })

async function fetchContent(wanted: Wanted): Promise<Fetched> {
  const { signal } = new AbortController()
  const cpuBefore = cpuSeconds()
  const startedAt = performance.now()
  const content = await dfget.peer.open({ ...wanted, headers: {} }, { signal })
  let sizeBytes = 0
  // The last piece comes when the whole is what its digest says.
  for await (const piece of content.read({ start: 0 }, { signal })) sizeBytes += piece.length
  const elapsedMs = performance.now() - startedAt
  return { elapsedMs, cpuSeconds: cpuSeconds() - cpuBefore, sizeBytes, account: content.account }
}
