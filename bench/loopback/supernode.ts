/*
 * A supernode as a process of a benchmark: supernode.ts SETTINGS, a JSON object of settings by dotted path, as flags give them.
 */
import { tuneHeap } from '../../lib/tune-heap.ts'

// As its program does, before the rest is loaded.
tuneHeap()
const { loadConfig } = await import('../../lib/config/load-config.ts')
const { createLogger } = await import('../../lib/logger.ts')
const { SupernodeConfig } = await import('../../supernode/config.ts')
const { createSupernode } = await import('../../supernode/create-supernode.ts')
const { answerParent } = await import('../measure/answer-parent.ts')
const { cpuSeconds } = await import('../measure/cpu-seconds.ts')

const config = loadConfig('supernode', SupernodeConfig, { flags: JSON.parse(process.argv[2] ?? '{}') })
const supernode = await createSupernode(config, createLogger('supernode', config.logLevel))
await supernode.start()

answerParent({ url: () => supernode.url(), cpuSeconds })
