import { join } from 'node:path'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { describeBlockStore } from '../../../helpers/block-store-contract.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'

describeBlockStore('DiskBlockStore', async () => {
  const scratch = await createScratchDirectory()
  const store = new DiskBlockStore({ logger: silentLogger() }, { dataDir: join(scratch.path, 'data') })
  return { store, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() }
})
