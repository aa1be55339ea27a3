import { createOperatorClient } from '../../../supernode/client/operator-client.ts'
import { ownersApi } from '../../helpers/join.ts'
import { dataDirectory } from '../cluster/programs.ts'
import type { FaultAction } from './fault-action.ts'

const TIMEOUT_MS = 30_000

/** The operator puts a node out of the cluster. Later it joins by a token again, which its dfdaemon has to be started anew for. */
export const revokeNode: FaultAction = async ({ machines, unit, peerIds, join }, { target }) => {
  const supernode = createOperatorClient(
    ownersApi('supernode', dataDirectory({ disk: machines.keeping('supernode').disk.path })),
  )
  await supernode.revoke(peerIds.get(target) ?? '', { signal: AbortSignal.timeout(TIMEOUT_MS) })
  return async () => {
    await unit(target).kill()
    await join(target)
    await unit(target).start()
  }
}
