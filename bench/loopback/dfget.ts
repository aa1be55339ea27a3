/*
 * The peer of a dfget as a process of a benchmark: dfget.ts SETTINGS DIRECTORY, settings being a JSON object by dotted path, as
 * flags give them. Asked to `fetch` content it answers when all of it is verified and stored.
 */
import { DfgetConfig } from '../../dfget/config.ts'
import { createDfget } from '../../dfget/create-dfget.ts'
import { loadConfig } from '../../lib/config/load-config.ts'
import { createLogger } from '../../lib/logger.ts'
import { answerParent } from '../measure/answer-parent.ts'
import { cpuSeconds } from '../measure/cpu-seconds.ts'
import type { Fetched, Wanted } from './fetched.ts'

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
