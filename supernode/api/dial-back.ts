import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import type { ProbingP2pNode } from '../../lib/p2p/p2p-node.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { DialBackAnswer, type DialFailureReason } from '../../protocol/messages/diagnosis.ts'

export interface DialBackComponents {
  readonly node: Pick<ProbingP2pNode, 'probe'>
  /** The peers that have a control stream, with the addresses that they gave. */
  readonly peers: () => readonly KnownPeer[]
}

interface KnownPeer {
  readonly id: string
  readonly addresses: readonly string[]
}

/** One address that swallows packets must not use up the time of the others. */
const ADDRESS_TIMEOUT_MS = 1_000
/** Those who ask give up after 3 s. */
const DEADLINE_MS = 2_500
/** Answers that are worked on at once. */
const MAX_RUNNING = 16

const PeerParams = Type.Object({ id: Type.String({ description: 'libp2p PeerId in base58' }) })
type PeerParams = Static<typeof PeerParams>

const REASONS: Readonly<Record<string, DialFailureReason>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'timeout',
  ENETUNREACH: 'timeout',
  TimeoutError: 'timeout',
  AbortError: 'timeout',
  UnexpectedPeerError: 'stranger',
  EncryptionFailedError: 'stranger',
}

/**
 * `POST /api/v1/peers/:id/dial-back`: tries whether a peer can be reached from here. Only peers with a control stream are
 * dialled, and only at the addresses that they themselves gave, so that nobody can have anybody else's ports tried.
 */
export function addDialBackRoute(app: FastifyInstance, { node, peers }: DialBackComponents): void {
  let running = 0
  const schema = {
    summary: 'Whether a linked peer can be reached from here',
    tags: ['peers'],
    params: PeerParams,
    response: answers({ 200: jsonAnswer('what came of it', DialBackAnswer) }, ['TOOMANYREQUESTS']),
  }
  app.post<{ Params: PeerParams }>(
    '/api/v1/peers/:id/dial-back',
    { schema, config: { access: ['node'], audit: 'refusals' } },
    async ({ params }): Promise<DialBackAnswer> => {
      const peer = peers().find(({ id }) => id === params.id)
      if (peer === undefined) return { linked: false, reached: null, failures: [] }
      if (running >= MAX_RUNNING) throw new DamselflyError('TOOMANYREQUESTS', 'other peers are being dialled')
      running++
      try {
        return { linked: true, ...(await dialInTurn(node, peer)) }
      } finally {
        running--
      }
    },
  )
}

async function dialInTurn(
  node: Pick<ProbingP2pNode, 'probe'>,
  { id, addresses }: KnownPeer,
): Promise<Pick<DialBackAnswer, 'reached' | 'failures'>> {
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  const failures: DialBackAnswer['failures'] = []
  for (const address of addresses) {
    try {
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(ADDRESS_TIMEOUT_MS)])
      await node.probe({ id, addresses: [address] }, { signal })
      return { reached: address, failures }
    } catch (error) {
      failures.push({ address, reason: reasonOf(error) })
    }
  }
  return { reached: null, failures }
}

function reasonOf(error: unknown): DialFailureReason {
  if (!(error instanceof Error)) return 'failed'
  const { code = '' } = error as NodeJS.ErrnoException
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors.at(-1))
  return REASONS[code] ?? REASONS[error.name] ?? (error.cause === undefined ? 'failed' : reasonOf(error.cause))
}
