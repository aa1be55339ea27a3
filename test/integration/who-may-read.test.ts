import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { answerFromBackend, refuse } from '../helpers/registry-front/answers.ts'
import { type FrontHandler, type FrontServer, startFrontServer } from '../helpers/registry-front/front-server.ts'
import type { SeenRequest } from '../helpers/registry-front/seen-request.ts'

const REPOSITORY = 'library/private'
const IMAGE_BYTES = 300_000

/** What the registry says to each caller. */
const ANSWERS = {
  reader: { status: 200, code: undefined },
  anonymous: { status: 401, code: 'UNAUTHORIZED' },
  empty: { status: 401, code: 'UNAUTHORIZED' },
  wrong: { status: 401, code: 'UNAUTHORIZED' },
  barred: { status: 403, code: 'DENIED' },
  stranger: { status: 404, code: 'NAME_UNKNOWN' },
} as const
type Caller = keyof typeof ANSWERS
const REFUSED = (Object.keys(ANSWERS) as Caller[]).filter(caller => caller !== 'reader')

const SCHEMES = ['basic', 'bearer'] as const
type Scheme = (typeof SCHEMES)[number]
/** Where content is, seen from the node that is asked for it. */
const PLACES = ['on this node', 'on another node', 'nowhere'] as const
type Place = (typeof PLACES)[number]

const WAYS = [
  ['GET', 'blob'],
  ['HEAD', 'blob'],
  ['GET', 'part of the blob'],
  ['GET', 'manifest by tag'],
  ['HEAD', 'manifest by tag'],
  ['GET', 'manifest by digest'],
  ['HEAD', 'manifest by digest'],
] as const
type What = (typeof WAYS)[number][1]

/** What a caller shows. An empty Basic is what some clients send that have no account. */
function headersOf(caller: Caller, scheme: Scheme): Record<string, string> {
  if (caller === 'anonymous') return {}
  if (caller === 'empty') return { authorization: 'Basic Og==' }
  return { authorization: scheme === 'basic' ? `Basic ${btoa(`${caller}:password`)}` : `Bearer ${caller}` }
}

/** A registry that knows its callers by name. Its token service has a token for nobody. */
function registryOf(scheme: Scheme, backendUrl: string): FrontHandler {
  const callers = new Map(
    (Object.keys(ANSWERS) as Caller[]).map(caller => [headersOf(caller, scheme).authorization, caller]),
  )
  return exchange => {
    const { request, response, url, baseUrl } = exchange
    const bearer = `Bearer realm="${baseUrl}/token",service="registry",scope="repository:${REPOSITORY}:pull"`
    const challenge = { 'www-authenticate': scheme === 'basic' ? 'Basic realm="registry"' : bearer }
    const caller = callers.get(request.headers.authorization) ?? 'wrong'
    const { status, code } = url.pathname === '/token' ? ANSWERS.wrong : ANSWERS[caller]
    if (code === undefined) return answerFromBackend(exchange, { registryUrl: backendUrl })
    return refuse(response, status, code, `the registry says ${status}`, status === 401 ? challenge : {})
  }
}

describe.for(SCHEMES)('at a registry with %s auth', scheme => {
  let cluster: TestCluster
  let front: FrontServer
  let seen: SeenRequest[]
  let image: GeneratedImage
  let supernode: TestProgram
  let nodes: Record<Place, TestProgram>

  beforeAll(async () => {
    seen = []
    cluster = await startCluster()
    const { registry } = cluster
    image = await registry.generateImage({ repository: REPOSITORY, layers: 1, sizeBytes: IMAGE_BYTES })
    const note = (request: SeenRequest) => void seen.push(request)
    front = await startFrontServer('registry', { listen: '127.0.0.1:0' }, registryOf(scheme, registry.url), note)
    supernode = await cluster.supernode()
    const upstreams = { [registry.host]: { url: front.url } }
    const start = (settings: Record<string, string>) => cluster.dfdaemon(settings, { upstreams })
    const [first, second, alone] = await Promise.all([
      start({ supernode: supernode.url }),
      start({ supernode: supernode.url }),
      start({}),
    ])
    nodes = { 'on this node': first, 'on another node': second, nowhere: alone }
    const headers = headersOf('reader', scheme)
    expect(await pullBlob(first, { repository: REPOSITORY, digest: digest() }, { headers })).toMatchObject({
      status: 200,
      digest: digest(),
    })
    for (const reference of ['latest', image.digest]) {
      expect((await ask(`${first.url}/v2/${REPOSITORY}/manifests/${reference}`, { headers })).status).toBe(200)
    }
  })

  afterAll(async () => {
    await front?.stop()
    await cluster?.[Symbol.asyncDispose]()
  })

  const digest = () => image.layers[0]?.digest ?? ''
  const bytesSent = () => cluster.registry.stats.snapshot().blobs[digest()]?.bytesSent

  function pathOf(what: What): string {
    const paths: Record<What, string> = {
      blob: `blobs/${digest()}`,
      'part of the blob': `blobs/${digest()}`,
      'manifest by tag': 'manifests/latest',
      'manifest by digest': `manifests/${image.digest}`,
    }
    return `/v2/${REPOSITORY}/${paths[what]}`
  }

  describe.for(PLACES)('content that is %s', place => {
    test.each(WAYS.flatMap(([method, what]) => REFUSED.map(caller => [method, what, caller] as const)))(
      '%s %s: the %s caller hears what the registry says',
      async (method, what, caller) => {
        const sentBefore = bytesSent()
        const headers = { ...headersOf(caller, scheme), ...(what === 'part of the blob' ? { range: 'bytes=5-9' } : {}) }
        const told = await ask(`${front.url}${pathOf(what)}`, { method, headers })
        const answer = await ask(`${nodes[place].url}${pathOf(what)}`, { method, headers })
        expect(answer.status).toBe(ANSWERS[caller].status)
        expect([answer.status, answer.headers['www-authenticate']]).toEqual([
          told.status,
          told.headers['www-authenticate'],
        ])
        if (method === 'HEAD') expect(answer.body.length).toBe(0)
        else if (told.status !== 404) expect(ociCodeOf(answer)).toBe(ociCodeOf(told))
        else expect(ociCodeOf(answer)).toMatch(/^(?:NAME|BLOB|MANIFEST)_UNKNOWN$/)
        expect(bytesSent()).toBe(sentBefore)
      },
    )
  })

  test.each(REFUSED)('the supernode gives the %s caller no ticket for what it holds', async caller => {
    const url = `${front.url}${pathOf('blob')}`
    const source = { url, headers: headersOf(caller, scheme), digest: digest() }
    const body = JSON.stringify({ peerId: nodes['on another node'].peerId, source })
    const headers = { 'content-type': 'application/json' }
    const answer = await ask(`${supernode.url}/peer/registry`, { method: 'POST', headers, body })
    expect(answer.status).toBe(ANSWERS[caller].status)
    expect(answer.body.toString()).not.toContain('ticket')
  })

  test.each(WAYS)('%s %s: whom the registry lets read gets it on every node', async (method, what) => {
    const headers = { ...headersOf('reader', scheme), ...(what === 'part of the blob' ? { range: 'bytes=5-9' } : {}) }
    for (const node of [nodes['on this node'], nodes['on another node']]) {
      const answer = await ask(`${node.url}${pathOf(what)}`, { method, headers })
      expect(answer.status).toBe(what === 'part of the blob' ? 206 : 200)
    }
    // Both nodes are in one swarm.
    expect(bytesSent()).toBe(image.layers[0]?.sizeBytes)
  })

  test('no caller is let in by what another shows', () => {
    const shown = new Set(seen.filter(({ status }) => status === 200).map(({ authorization }) => authorization))
    expect([...shown]).toEqual([headersOf('reader', scheme).authorization])
  })
})
