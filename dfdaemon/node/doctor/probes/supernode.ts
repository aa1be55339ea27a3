import type { ApiEndpoint } from '../../../../lib/http/client/api-endpoint.ts'
import { askVersion } from '../../../../lib/http/program-version.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { askDialBack } from '../../../../supernode/client/dial-back-client.ts'
import { createSupernodeClient } from '../../../../supernode/client/supernode-client.ts'
import { bounded } from '../bounded.ts'
import type { ClockFacts } from '../checks/clock.ts'
import type { LinkFacts, SupernodeAnswer } from '../checks/supernode.ts'
import { connectionFailure } from '../connection-failure.ts'

/** What a supernode answers, and what its clock shows. */
export interface SupernodeProbe {
  readonly answer: SupernodeAnswer
  /** Undefined when it did not answer. */
  readonly clock: ClockFacts | undefined
  /** Whether it knows who asks; undefined when that was not to be heard. */
  readonly isMember: boolean | undefined
}

const NOTHING = { clock: undefined, isMember: undefined } as const

/** Asks a supernode who it is. @param api with what the node proves itself by */
export async function probeSupernode(api: ApiEndpoint): Promise<SupernodeProbe> {
  const asked = await bounded(async signal => {
    const sentAt = Date.now()
    const answer = await askVersion(api, { signal })
    const receivedAt = Date.now()
    if (answer?.name !== 'supernode') return undefined
    return { ...answer, sentAt, receivedAt, ...(await clusterOf(api, signal)) }
  })
  if ('error' in asked) {
    return { answer: { state: 'unreachable', failure: connectionFailure(asked.error) }, ...NOTHING }
  }
  if (asked.value === undefined) return { answer: { state: 'stranger' }, ...NOTHING }
  const { version, cluster, isMember, date, sentAt, receivedAt } = asked.value
  const clock = date === undefined ? undefined : { date, sentAt, receivedAt }
  return { answer: { state: 'running', version, cluster }, clock, isMember }
}

async function clusterOf(api: ApiEndpoint, signal: AbortSignal) {
  try {
    return { cluster: await createSupernodeClient(api).cluster({ signal }), isMember: true }
  } catch (error) {
    const isRefusal = error instanceof DamselflyError && (error.code === 'UNAUTHORIZED' || error.code === 'DENIED')
    return { cluster: undefined, isMember: isRefusal ? false : undefined }
  }
}

/** Has the supernode dial this node. */
export async function probeDialBack(api: ApiEndpoint, peerId: string): Promise<LinkFacts['dialBack']> {
  const asked = await bounded(signal => askDialBack(api, peerId, { signal }))
  if ('value' in asked) return asked
  const { error } = asked
  return { reason: (error instanceof DamselflyError ? error.detail : undefined) ?? connectionFailure(error).reason }
}
