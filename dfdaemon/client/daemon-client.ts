import { Compile } from 'typebox/compile'
import { createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
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
const DEADLINE_MS = 5_000

const tasksForm = Compile(DaemonTasks)
const pullsForm = Compile(Pulls)
const nodeForm = Compile(NodeStatus)

/** @param api of the dfdaemon, for example `http://127.0.0.1:65001` */
export function createDaemonClient(api: ApiAddress): DaemonClient {
  const client = createApiClient({ api, unreachable: 'DAEMON_UNREACHABLE', deadlineMs: DEADLINE_MS })
  return {
    async ping({ signal }) {
      await client.text({ path: '/_ping', signal })
    },
    tasks: ({ signal }) => client.ask(tasksForm, { path: '/api/v1/tasks', signal }),
    node: ({ signal }) => client.ask(nodeForm, { path: '/api/v1/node', signal }),
    pulls: (of, { signal }) => client.ask(pullsForm, { path: `/v1/pulls?${new URLSearchParams(of)}`, signal }),
    async manifest({ registry, repository, reference }, { signal }) {
      const path = `/v2/${registry}/${repository}/manifests/${reference}`
      const { status, bytes } = await client.exchange({ path, signal })
      if (status === 200) return bytes
      throw new DamselflyError('MANIFEST_UNKNOWN', `the dfdaemon answered with status ${status}`)
    },
    metrics: ({ signal }) => client.text({ path: '/metrics', signal }),
  }
}
