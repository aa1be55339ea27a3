import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Peer } from '../../dfget/peer/peer.ts'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { VERSION } from '../../lib/version.ts'
import { NodeStatus } from '../../protocol/messages/daemon-api.ts'
import type { DfdaemonConfig } from '../config.ts'

export interface NodeRouteComponents {
  readonly peer: Pick<Peer, 'peerId' | 'addresses'>
  /** URL of the supernode that it has; empty for none. */
  readonly supernode: string
  readonly config: Pick<DfdaemonConfig, 'dataDir'>
}

/** `GET /api/v1/node`: who this dfdaemon is, and with which settings it runs. */
export function addNodeRoute(app: FastifyInstance, { peer, supernode, config }: NodeRouteComponents): void {
  const settings = { supernode: withoutAccount(supernode), dataDir: resolve(config.dataDir) }
  app.get(
    '/api/v1/node',
    {
      config: { access: ['viewer'] },
      schema: {
        summary: 'Who this dfdaemon is',
        tags: ['node'],
        response: answers({ 200: jsonAnswer('its names, addresses and settings', NodeStatus) }),
      },
    },
    async (): Promise<NodeStatus> => ({
      version: VERSION,
      peerId: peer.peerId,
      addresses: peer.addresses(),
      ...settings,
    }),
  )
}

/** A URL without the user and password that may be in it. */
function withoutAccount(text: string): string {
  const url = URL.parse(text)
  if (url === null || (url.username === '' && url.password === '')) return text
  url.username = ''
  url.password = ''
  return url.href
}
