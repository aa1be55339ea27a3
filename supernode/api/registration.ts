import type { FastifyInstance } from 'fastify'
import type { BlockStore } from '../../lib/blocks/block-store.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Identity } from '../../lib/http/access/identity.ts'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { type OriginInfo, type Source, taskIdOfSource } from '../../lib/origin/origin.ts'
import { blockSizeFor } from '../../protocol/block-size.ts'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import {
  ClusterInfo,
  RegistrationAnswer,
  RegistrationPending,
  RegistrationRequest,
} from '../../protocol/messages/registration.ts'
import type { ClusterKey } from '../../protocol/signed-statement.ts'
import { SMALL_CONTENT_BYTES } from '../../protocol/small-content.ts'
import type { TaskId } from '../../protocol/task.ts'
import { signTicket } from '../../protocol/ticket.ts'
import type { Blocklist } from '../blocklist/blocklist.ts'
import type { Warrants } from '../preheat/warrants.ts'
import type { SeedTask } from '../seed/seed-task.ts'
import type { Seeder } from '../seed/seeder.ts'
import type { SmallContents } from '../small/small-contents.ts'
import type { Admission } from './admission.ts'

export interface RegistrationComponents {
  readonly admission: Admission
  /** What peers fetch because they were told to. */
  readonly warrants: Pick<Warrants, 'find'>
  readonly seeder: Seeder
  readonly small: Pick<SmallContents, 'get'>
  readonly store: Pick<BlockStore, 'find'>
  readonly clusterKey: ClusterKey
  readonly ticketLifetimeMs: number
  readonly clock: Clock
  /** Refuses content that is blocked. */
  readonly blocklist: Pick<Blocklist, 'checkTask'>
  readonly cluster: () => ClusterInfo
  readonly account: (result: string) => void
}

/** How long a registration waits for the origin before it is answered with `pending`. Peers give up on silence of 1 s. */
const HOLD_MS = 600

const REFUSALS = [
  'REQUEST_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'BLOB_UNKNOWN',
  'TASK_UNKNOWN',
  'TASK_BLOCKED',
  'BODY_TOO_LARGE',
  'TOOMANYREQUESTS',
  'UNSUPPORTED',
] as const

/** `POST /peer/registry`: admits a peer to a task, and has the task's origin read if nobody has yet. */
export function addRegistrationRoutes(app: FastifyInstance, components: RegistrationComponents): void {
  const tags = ['registration']
  const cluster = {
    summary: 'Whom a peer links to',
    tags,
    response: answers({ 200: jsonAnswer('the supernode and the key of its tickets', ClusterInfo) }),
  }
  app.get('/api/v1/cluster', { schema: cluster, config: { access: ['node'] } }, async () => components.cluster())

  const schema = {
    summary: 'Admits a peer to a task, and has its origin read',
    description: "Refusals of the origin come with the table's code for them.",
    tags,
    body: RegistrationRequest,
    response: answers(
      {
        200: jsonAnswer('the peer is admitted', RegistrationAnswer),
        202: jsonAnswer('the origin has not answered yet: send the same again at once', RegistrationPending),
      },
      REFUSALS,
    ),
  }
  app.post<{ Body: RegistrationRequest }>(
    '/peer/registry',
    { schema, config: { access: ['node'], audit: 'refusals' } },
    async ({ body, identity }, reply) => {
      try {
        checkOwnName(body.peerId, identity)
        const answer = await answerWithin(register(components, body), HOLD_MS, components.clock)
        components.account(answer.state)
        return reply.code(answer.state === 'pending' ? 202 : 200).send(answer)
      } catch (error) {
        components.account(toDamselflyError(error).code)
        throw error
      }
    },
  )
}

/** A node speaks for itself only (audit requirement R7). @throws DamselflyError DENIED */
function checkOwnName(peerId: string, { kind, id }: Identity): void {
  if (kind !== 'node' || id === peerId) return
  throw new DamselflyError('DENIED', `${id} cannot register for ${peerId}`)
}

async function register(components: RegistrationComponents, body: RegistrationRequest): Promise<RegistrationAnswer> {
  const { blocklist, seeder, warrants } = components
  const { peerId, inline = false } = body
  const warrant = warrants.find(peerId, body.source)
  const { source, info } = warrant ?? { source: body.source, info: await admittedBy(components, body.source) }
  const taskId = taskIdOf(source, info)
  blocklist.checkTask(taskId)
  const meant: Source = source.digest === undefined ? { ...source, validator: info.validator } : source
  // What a peer was told to fetch is to be stored there, to be given to others.
  const mayBeInline = inline && warrant === undefined
  const small = mayBeInline ? await smallContent(components, taskId, meant, info) : undefined
  const given = small ?? shapeOfTask(await seeder.ensure(taskId, meant, shapeOf(source, info)))
  const { validator } = meant
  return {
    ...admissionOf(components, peerId, taskId),
    ...given,
    ...(validator === undefined ? {} : { validator }),
  }
}

/** What the origin says of content that it lets the requester read. @throws DamselflyError what {@link Admission} throws */
async function admittedBy({ admission, seeder }: RegistrationComponents, source: Source): Promise<OriginInfo> {
  // During an outage of the origin, what the swarm holds can still be had.
  const remembered = await admission.check(source, { allowStale: true })
  // What could not be read to its end may have changed since the origin was asked: then it is another task.
  const hasFailed = source.digest === undefined && seeder.get(taskIdOf(source, remembered))?.state === 'failed'
  return hasFailed ? admission.check(source, { allowStale: true, fresh: true }) : remembered
}

/** The ticket, and whom the peer talks to. */
function admissionOf(
  { clusterKey, ticketLifetimeMs, clock, cluster }: RegistrationComponents,
  peer: string,
  task: TaskId,
): Pick<RegistrationAnswer, 'state' | 'taskId' | 'ticket' | 'ticketExpiresAt' | keyof ClusterInfo> {
  const expiresAt = clock.wallTime() + ticketLifetimeMs
  const ticket = signTicket({ task, peer, expiresAt }, clusterKey)
  return { state: 'admitted', taskId: task, ticket, ticketExpiresAt: expiresAt, ...cluster() }
}

type Given = Pick<RegistrationAnswer, 'blockSizeBytes' | 'sizeBytes' | 'contentType' | 'content'>

/** All of the content, where it is small and nobody has cut it into blocks. */
async function smallContent(
  { small, store }: RegistrationComponents,
  taskId: TaskId,
  source: Source,
  { sizeBytes }: OriginInfo,
): Promise<Given | undefined> {
  if (sizeBytes === undefined || sizeBytes > SMALL_CONTENT_BYTES) return undefined
  if ((await store.find(taskId)) !== undefined) return undefined
  const { bytes, contentType } = await small.get(taskId, source)
  return {
    blockSizeBytes: blockSizeFor(bytes.length),
    sizeBytes: bytes.length,
    ...(contentType === undefined ? {} : { contentType }),
    content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
  }
}

/** The task of content that its requester may have. @throws DamselflyError UNSUPPORTED */
export function taskIdOf(source: Source, { validator }: OriginInfo): TaskId {
  if (source.digest === undefined && validator === undefined) {
    throw new DamselflyError(
      'UNSUPPORTED',
      'without a digest, ETag or Last-Modified nobody could tell old content from new',
    )
  }
  return taskIdOfSource(source, validator)
}

function shapeOf({ blockSizeBytes }: Source, { sizeBytes }: OriginInfo) {
  return { blockSizeBytes: blockSizeBytes ?? blockSizeFor(sizeBytes), sizeBytes }
}

function shapeOfTask({ contentType, map }: SeedTask): Given {
  const { blockSizeBytes, sizeBytes } = map
  return {
    blockSizeBytes,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(contentType === undefined ? {} : { contentType }),
  }
}

function answerWithin(
  answer: Promise<RegistrationAnswer>,
  holdMs: number,
  clock: Clock,
): Promise<RegistrationAnswer | RegistrationPending> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(holdMs, () => resolve({ state: 'pending' }))
    answer.then(resolve, reject).finally(cancel)
  })
}
