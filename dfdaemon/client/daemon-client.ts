import { Compile } from 'typebox/compile'
import { apiRefusal } from '../../lib/http/api-refusal.ts'
import { type ApiAddress, requestApi } from '../../lib/http/client/api-endpoint.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { ImageReference } from '../../protocol/image-reference.ts'
import { type DaemonTask, DaemonTasks, NodeStatus, type Pull, Pulls } from '../../protocol/messages/daemon-api.ts'

/**
 * The local API of a dfdaemon. Every call throws DamselflyError: UNAUTHORIZED and DENIED when it is not for whoever calls, or
 * DAEMON_UNREACHABLE when there is no usable answer.
 */
export interface DaemonClient {
  /** Returns when the dfdaemon answers. */
  ping(options: { signal: AbortSignal }): Promise<void>
  /** What the node holds or is downloading. */
  tasks(options: { signal: AbortSignal }): Promise<DaemonTask[]>
  /** Who it is, and with which settings it runs. */
  node(options: { signal: AbortSignal }): Promise<NodeStatus>
  /** What was pulled through it, the newest first; all that it remembers, or that of one repository. */
  pulls(of: Partial<Pick<ImageReference, 'registry' | 'repository'>>, options: { signal: AbortSignal }): Promise<Pull[]>
  /** The manifest or index of an image. @throws DamselflyError MANIFEST_UNKNOWN when the dfdaemon does not give it */
  manifest(image: ImageReference, options: { signal: AbortSignal }): Promise<Uint8Array>
  /** Its counters, in the text form that Prometheus reads. */
  metrics(options: { signal: AbortSignal }): Promise<string>
}

/** A dfdaemon on the same machine that says nothing for this long counts as down. */
const SILENCE_MS = 5_000

const tasksSchema = Compile(DaemonTasks)
const pullsSchema = Compile(Pulls)
const nodeSchema = Compile(NodeStatus)

/** @param api of the dfdaemon, for example `http://127.0.0.1:65001` */
export function createDaemonClient(api: ApiAddress): DaemonClient {
  return {
    async ping({ signal }) {
      await get(api, '/_ping', signal)
    },
    async tasks({ signal }) {
      const answer = parseJson(await get(api, '/api/v1/tasks', signal))
      if (tasksSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
    async node({ signal }) {
      const answer = parseJson(await get(api, '/api/v1/node', signal))
      if (nodeSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
    async pulls(of, { signal }) {
      const answer = parseJson(await get(api, `/v1/pulls?${new URLSearchParams(of)}`, signal))
      if (pullsSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
    async manifest({ registry, repository, reference }, { signal }) {
      const path = `/v2/${registry}/${repository}/manifests/${reference}`
      const { status, bytes } = await fetchBytes(api, path, signal)
      if (status === 200) return bytes
      throw new DamselflyError('MANIFEST_UNKNOWN', `the dfdaemon answered with status ${status}`)
    },
    metrics: ({ signal }) => get(api, '/metrics', signal),
  }
}

async function get(api: ApiAddress, path: string, signal: AbortSignal): Promise<string> {
  const { status, bytes } = await fetchBytes(api, path, signal)
  if (status === 200) return bytes.toString('utf8')
  const refusal = status === 401 || status === 403 ? apiRefusal(parseJson(bytes.toString('utf8'))) : undefined
  if (refusal !== undefined) throw refusal
  throw unreachable(`it answered with status ${status}`)
}

async function fetchBytes(
  api: ApiAddress,
  path: string,
  signal: AbortSignal,
): Promise<{ status: number; bytes: Buffer }> {
  const silence = AbortSignal.timeout(SILENCE_MS)
  try {
    const { statusCode, body } = await requestApi(api, path, { signal: AbortSignal.any([signal, silence]) })
    return { status: statusCode, bytes: Buffer.from(await body.arrayBuffer()) }
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(silence.aborted ? `no answer within ${SILENCE_MS} ms` : (error as Error).message, error)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreachable('its answer is not JSON', error)
  }
}

function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('DAEMON_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
