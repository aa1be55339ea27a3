import { askVersion } from '../../../../lib/http/program-version.ts'
import { createDaemonClient } from '../../../client/daemon-client.ts'
import { bounded } from '../bounded.ts'
import type { DaemonAnswer } from '../checks/daemon.ts'
import { connectionFailure } from '../connection-failure.ts'

/** Asks the dfdaemon who it is. */
export async function probeDaemon(url: string): Promise<DaemonAnswer> {
  const client = createDaemonClient(url)
  const asked = await bounded(async signal => {
    const answer = await askVersion(url, { signal })
    if (answer?.name !== 'dfdaemon') return undefined
    // An older one has no such route.
    const node = await client.node({ signal }).catch(() => undefined)
    return { version: answer.version, node }
  })
  if ('error' in asked) {
    const failure = connectionFailure(asked.error)
    // Whatever breaks off or speaks otherwise is there.
    return failure.kind === 'other' ? { state: 'stranger' } : { state: 'unreachable', failure }
  }
  return asked.value === undefined ? { state: 'stranger' } : { state: 'running', ...asked.value }
}
