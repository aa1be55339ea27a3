import { distributionEvent, krakenBody, NGINX, v1Body, v2Body, WEBHOOK_BODY } from '../../helpers/harbor-bodies.ts'
import { blobDigest } from './server-content.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const TASK = `sha256:${'0a'.repeat(32)}`
const source = { url: 'http://127.0.0.1:1/v2/a/b', headers: { accept: '*/*' }, digest: TASK }

function request(line: string, body?: unknown, headers: readonly string[] = []): string {
  const head = [line, ...headers].join('\n')
  return body === undefined ? head : `${head}\n\n${JSON.stringify(body)}`
}

const OF_BOTH = [
  request('GET /_ping'),
  request('GET /version'),
  request('GET /metrics'),
  request('GET /openapi.json'),
  request('GET /api/v1/limits'),
  request('GET /api/v1/tokens'),
  request('DELETE /api/v1/tokens/0a0a0a0a0a0a'),
]

/** A request of each route of a supernode; those of several kinds of bodies more than once. */
export const SUPERNODE_ROUTES: readonly string[] = [
  ...OF_BOTH,
  request('PUT /api/v1/limits', { egress: 0 }),
  request('POST /api/v1/tokens', { role: 'node', expiresInSeconds: 60, uses: 2, comment: 'x' }),
  request('GET /api/v1/peers?pageNum=1&pageSize=5&sortKey=id&order=desc'),
  request(`POST /api/v1/peers/${PEER}/dial-back`),
  request('GET /api/v1/members'),
  request('POST /api/v1/members', { token: 'dmsl_', name: 'n1', temporary: true }),
  request('POST /api/v1/members/renew'),
  request(`DELETE /api/v1/members/${PEER}`),
  request('GET /api/v1/blocklist'),
  request(`PUT /api/v1/blocklist/${TASK}`, { reason: 'why' }),
  request(`PUT /api/v1/blocklist/${PEER}`, {}),
  request(`DELETE /api/v1/blocklist/${TASK}`),
  request('GET /api/v1/cluster'),
  request('POST /peer/registry', { peerId: PEER, source, inline: true }),
  request('POST /peer/registry', { peerId: PEER, source: { url: 'https://f.example/x', headers: {} } }),
  request('GET /api/v1/tasks'),
  request(`GET /api/v1/tasks/${TASK}`),
  request(`DELETE /api/v1/tasks/${TASK}?full=true&copies=true`),
  request('POST /api/v1/tasks/locate', { source }),
  request(`PUT /api/v1/tasks/${TASK}/replicas`, { wanted: 2 }),
  request('POST /v1/preheats', { image: 'r.example/a:1', scope: 'count:1', platforms: ['linux/amd64'], headers: {} }),
  request('GET /v1/preheats'),
  request('GET /v1/preheats/1'),
  request('DELETE /v1/preheats/1'),
  request('GET /v1/preheats/99/events'),
  request('POST /oapi/v1/jobs', JSON.parse(v2Body(NGINX, 'all_peers'))),
  request('GET /oapi/v1/jobs/1'),
  request('POST /preheats', JSON.parse(v1Body(NGINX))),
  request('GET /preheats'),
  request('GET /preheats/1'),
  request('DELETE /api/v1/preheats/1'),
  request('POST /events?registry=r.example&scope=all', { events: [distributionEvent()] }),
  request('POST /registry/notifications', JSON.parse(krakenBody(NGINX))),
  request('POST /harbor/webhooks', JSON.parse(WEBHOOK_BODY)),
  request('GET /v1.0.6/openapi.json'),
]

/** The same of a dfdaemon. */
export const DFDAEMON_ROUTES: readonly string[] = [
  ...OF_BOTH,
  request('PUT /api/v1/limits', { upload: 0 }),
  request('POST /api/v1/tokens', { role: 'viewer', expiresInSeconds: 60 }),
  request('GET /api/v1/node'),
  request('GET /api/v1/tasks'),
  request('GET /v1/pulls?limit=5&id=1'),
  request('GET /api/v1/store'),
  request('POST /api/v1/store/gc'),
  request(`PUT /api/v1/store/tasks/${blobDigest}/pin`),
  request(`DELETE /api/v1/store/tasks/${blobDigest}/pin`),
  request(`POST /api/v1/store/tasks/${blobDigest}/verify`),
  request(`DELETE /api/v1/store/tasks/${blobDigest}`),
  request('POST /api/v1/content', { source, swarmOnly: true }, ['range: bytes=2-']),
  request('POST /api/v1/content', { source: { url: 'https://f.example/x', headers: {} } }),
  request('GET /v2/'),
  request('GET /v2/library/test/manifests/latest?ns=docker.io'),
  request(`GET /v2/library/test/blobs/${blobDigest}`, undefined, ['range: bytes=0-9']),
  request(`HEAD /v2/library/test/blobs/${blobDigest}`),
  request('GET /v2/library/test/tags/list?n=5&ns=r.example'),
  request('POST /v2/library/test/blobs/uploads/'),
]
