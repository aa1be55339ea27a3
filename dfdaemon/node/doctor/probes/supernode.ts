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
}

/** Asks a supernode who it is. */
export async function probeSupernode(url: string): Promise<SupernodeProbe> {
  const client = createSupernodeClient(url)
  const asked = await bounded(async signal => {
    const sentAt = Date.now()
    const answer = await askVersion(url, { signal })
    const receivedAt = Date.now()
    if (answer?.name !== 'supernode') return undefined
    const cluster = await client.cluster({ signal }).catch(() => undefined)
    return { ...answer, sentAt, receivedAt, cluster }
  })
  if ('error' in asked) {
    return { answer: { state: 'unreachable', failure: connectionFailure(asked.error) }, clock: undefined }
  }
  if (asked.value === undefined) return { answer: { state: 'stranger' }, clock: undefined }
  const { version, cluster, date, sentAt, receivedAt } = asked.value
  const clock = date === undefined ? undefined : { date, sentAt, receivedAt }
  return { answer: { state: 'running', version, cluster }, clock }
}

/** Has the supernode dial this node. */
export async function probeDialBack(url: string, peerId: string): Promise<LinkFacts['dialBack']> {
  const asked = await bounded(signal => askDialBack(url, peerId, { signal }))
  if ('value' in asked) return asked
  const { error } = asked
  return { reason: (error instanceof DamselflyError ? error.detail : undefined) ?? connectionFailure(error).reason }
}
