import type { ApiAddress } from '../../../../lib/http/client/api-endpoint.ts'
import { askVersion } from '../../../../lib/http/program-version.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { createDaemonClient, type DaemonClient } from '../../../client/daemon-client.ts'
import { bounded } from '../bounded.ts'
import type { DaemonAnswer } from '../checks/daemon.ts'
import { connectionFailure } from '../connection-failure.ts'

/** Asks the dfdaemon at a URL who it is. @param api where it says how it is set up */
export async function probeDaemon(url: string, api: ApiAddress): Promise<DaemonAnswer> {
  const client = createDaemonClient(api)
  const asked = await bounded(async signal => {
    const answer = await askVersion(url, { signal })
    if (answer?.name !== 'dfdaemon') return undefined
    return { version: answer.version, ...(await settingsOf(client, signal)) }
  })
  if ('error' in asked) {
    const failure = connectionFailure(asked.error)
    // Whatever breaks off or speaks otherwise is there.
    return failure.kind === 'other' ? { state: 'stranger' } : { state: 'unreachable', failure }
  }
  return asked.value === undefined ? { state: 'stranger' } : { state: 'running', ...asked.value }
}

async function settingsOf(client: DaemonClient, signal: AbortSignal) {
  try {
    return { node: await client.node({ signal }), forOwner: false }
  } catch (error) {
    // An older one has no such route.
    const forOwner = error instanceof DamselflyError && (error.code === 'UNAUTHORIZED' || error.code === 'DENIED')
    return { node: undefined, forOwner }
  }
}
