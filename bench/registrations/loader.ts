/*
 * Registers at a supernode at a steady rate, as a process of a benchmark.
 */
import type { Dispatcher } from 'undici'
import { createTicketVerifier } from '../../protocol/ticket.ts'
import { answerParent } from '../measure/answer-parent.ts'
import { cpuSeconds } from '../measure/cpu-seconds.ts'
import { openConnections } from './connections.ts'
import type { Load, LoadResult } from './loader-program.ts'
import { sendAtRate } from './open-loop.ts'
import { bodyOf, EXPECTED, kindOf, type RequestKind } from './request-kinds.ts'

/** Checking a signature takes longer than all else here: some are enough to know that they are good. */
const CHECKED_TICKETS = 64
const HEADERS = { 'content-type': 'application/json' }
const ANSWER_MS = 30_000

interface Answer {
  readonly state?: string
  readonly code?: string
  readonly taskId?: string
  readonly ticket?: string
}

const pools: Dispatcher[] = []

async function load({ url, privateBlob, blobs, members, clusterKey, perSecond, seconds }: Load): Promise<LoadResult> {
  for (const member of members.slice(pools.length)) pools.push(await openConnections(member))
  const verifier = createTicketVerifier(clusterKey)
  const wrong = new Map<string, number>()
  const times: Record<'valid' | 'invalid', number[]> = { valid: [], invalid: [] }
  const lateMs: number[] = []
  const began = cpuSeconds()
  const count = perSecond * seconds

  function mistake(kind: RequestKind, what: string): void {
    const text = `${kind}: ${what}`
    wrong.set(text, (wrong.get(text) ?? 0) + 1)
  }

  async function register(index: number, dueMs: number): Promise<void> {
    const kind = kindOf(index)
    // Both numbers go round at different speeds, so that in time each peer registers for each content.
    const peer = index % members.length
    const peerId = members[peer]?.peerId ?? ''
    const blob = blobs[(index + Math.floor(index / members.length)) % blobs.length]
    const pool = pools[peer]
    if (blob === undefined || pool === undefined) return
    const body = bodyOf(kind, {
      ...{
        peerId,
        otherPeerId: members[(peer + 1) % members.length]?.peerId ?? '',
        url: blob.url,
        digest: blob.digest,
      },
      ...{ privateUrl: privateBlob.url, privateDigest: privateBlob.digest },
    })
    lateMs.push(performance.now() - dueMs)
    let answer: Answer
    let status: number
    try {
      const options = { origin: url, path: '/peer/registry', method: 'POST', headers: HEADERS, body } as const
      do {
        const response = await pool.request({ ...options, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS })
        status = response.statusCode
        answer = (await response.body.json()) as Answer
        // The origin is still being asked, and the same is to be sent again.
      } while (status === 202)
    } catch (error) {
      mistake(kind, `no answer, ${(error as Error).message}`)
      return
    }
    times[kind === 'valid' ? 'valid' : 'invalid'].push(performance.now() - dueMs)
    const expected = EXPECTED[kind]
    if (status !== expected.status || answer.code !== expected.code) mistake(kind, `${status} ${answer.code ?? ''}`)
    if (kind !== 'valid') return
    if (answer.taskId !== blob.digest) mistake(kind, 'another task')
    if (index % CHECKED_TICKETS > 0) return
    try {
      verifier.verify(answer.ticket ?? '', { task: blob.digest, peer: peerId }, Date.now())
    } catch (error) {
      mistake(kind, (error as Error).message)
    }
  }

  const startMs = performance.now()
  await sendAtRate({ perSecond, count }, register)
  return {
    sent: count,
    elapsedMs: performance.now() - startMs,
    validMs: times.valid,
    invalidMs: times.invalid,
    lateMs,
    wrong: Object.fromEntries(wrong),
    cpuSeconds: cpuSeconds() - began,
  }
}

answerParent({ load })
