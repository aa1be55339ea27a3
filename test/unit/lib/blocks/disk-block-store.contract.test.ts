import { join } from 'node:path'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { type Quota, UNLIMITED } from '../../../../lib/blocks/quota.ts'
import { type Clock, systemClock } from '../../../../lib/clock.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { describeBlockStore } from '../../../helpers/block-store-contract.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'
import { describeStoreQuota } from '../../../helpers/store-quota-contract.ts'

async function createFixture(quota: Quota = UNLIMITED, clock: Clock = systemClock) {
  const scratch = await createScratchDirectory()
  const store = new DiskBlockStore({ logger: silentLogger(), clock }, { dataDir: join(scratch.path, 'data'), quota })
  return { store, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() }
}

describeBlockStore('DiskBlockStore', () => createFixture())
describeStoreQuota('DiskBlockStore', createFixture)
