/*
 * A dfdaemon as a process of a benchmark: dfdaemon.ts SETTINGS, a JSON object of settings by dotted path, as flags give them.
 */
import { tuneHeap } from '../../lib/tune-heap.ts'

// As its program does, before the rest is loaded.
tuneHeap()
const { createDfdaemon } = await import('../../dfdaemon/create-dfdaemon.ts')
const { DfdaemonConfig } = await import('../../dfdaemon/config.ts')
const { loadConfig } = await import('../../lib/config/load-config.ts')
const { createLogger } = await import('../../lib/logger.ts')
const { answerParent } = await import('../measure/answer-parent.ts')
const { cpuSeconds } = await import('../measure/cpu-seconds.ts')

const config = loadConfig('dfdaemon', DfdaemonConfig, { flags: JSON.parse(process.argv[2] ?? '{}') })
const dfdaemon = await createDfdaemon(config, createLogger('dfdaemon', config.logLevel))
await dfdaemon.start()

answerParent({ url: () => dfdaemon.url(), peerId: () => dfdaemon.peerId, cpuSeconds, stop: () => dfdaemon.stop() })
