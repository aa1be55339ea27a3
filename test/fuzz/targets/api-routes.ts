import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { type ApiDocument, createAnswerChecker } from '../../helpers/api-document.ts'
import { startCluster, type TestCluster, type TestProgram } from '../../helpers/cluster.ts'
import { asLatin1 } from '../engine/expected.ts'
import { mutateJson } from '../engine/structure.ts'
import type { FuzzTarget } from '../engine/target.ts'
import { onlyReach } from './only-this-registry.ts'
import { DFDAEMON_ROUTES, SUPERNODE_ROUTES } from './requests.ts'
import { pushImage } from './server-content.ts'

const WORDS = [
  '/api/v1/',
  '?',
  '&',
  '=',
  '%2f',
  '%00',
  '..',
  '\n',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  'null',
  '1e999',
  '"__proto__":',
  'authorization: Bearer dmsl_',
  'range: bytes=0-1',
]

interface ApiTargetInit {
  readonly name: string
  readonly about: string
  /** A line with method and path, headers, an empty line, a body. */
  readonly requests: readonly string[]
  readonly start: (cluster: TestCluster) => Promise<TestProgram>
}

/** The routes of a program, asked without a connection. */
function apiTarget({ name, about, requests, start }: ApiTargetInit): FuzzTarget {
  return {
    name,
    about,
    isProgram: true,
    maxBytes: 8192,
    dictionary: WORDS,
    seeds: () => requests.map(request => Buffer.from(request)),
    mutate: (random, input) => {
      const [head = '', body] = split(asLatin1(input))
      const changed = body === undefined ? undefined : mutateJson(random, Buffer.from(body, 'latin1'))
      return changed && Buffer.concat([Buffer.from(`${head}\n\n`, 'latin1'), changed])
    },
    // Tokens, tasks and records that requests make, up to their bounds; caches of answers.
    growthMiB: { heap: 64, rss: 256 },
    async open() {
      const stack = new AsyncDisposableStack()
      const cluster = stack.use(await startCluster())
      await pushImage(cluster.registry)
      const app = await appOf(() => start(cluster))
      stack.defer(onlyReach(Number(new URL(cluster.registry.url).port)))
      const document = (await app.inject({ url: '/openapi.json' })).json() as ApiDocument
      const undocumented = createAnswerChecker(document)
      return {
        async run(input) {
          const request = requestOf(asLatin1(input))
          if (request === undefined) return
          const { method, url } = request
          const { statusCode: status, headers, body: text } = await app.inject(request)
          assert(status !== 500, `broken: ${text.slice(0, 400)}`)
          const contentType = String(headers['content-type'])
          assert.deepEqual(undocumented({ method, path: url, status, contentType, text }), [], `${method} ${url}`)
        },
        close: () => stack.disposeAsync(),
      }
    },
  }
}

/** The server of a program that is started in this thread. */
async function appOf(start: () => Promise<TestProgram>): Promise<FastifyInstance> {
  const apps: FastifyInstance[] = []
  const see = (message: unknown): void => void apps.push((message as { fastify: FastifyInstance }).fastify)
  subscribe('fastify.initialization', see)
  await start()
  unsubscribe('fastify.initialization', see)
  const [app] = apps
  assert(app !== undefined && apps.length === 1, 'a program has one server')
  return app
}

function split(text: string): [head: string, body: string | undefined] {
  const at = text.indexOf('\n\n')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 2)]
}

type Method = NonNullable<InjectOptions['method']>

/** @returns undefined for what Node's parser of HTTP hands to no server */
function requestOf(
  text: string,
): { method: Method; url: string; headers: Record<string, string>; payload: Buffer } | undefined {
  const [head, body = ''] = split(text)
  const [line = '', ...fields] = head.split('\n')
  const { method, url } =
    /^(?<method>GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS) (?<url>\/[\x21-\x7e]*)$/.exec(line)?.groups ?? {}
  const asked = url === undefined || url.startsWith('//') ? null : URL.parse(url, 'http://localhost')
  // What is no URL is for the target of raw bytes.
  if (method === undefined || asked === null) return undefined
  // An upload may be silent for so long only, and there is no connection that could be; `supernode-http` sends some.
  if (method === 'PUT' && /\/tasks\/[^/]*$/i.test(asked.pathname)) return undefined
  const headers = fields.flatMap(field => {
    const { name, value } =
      /^(?<name>[\w-]+): ?(?<value>[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/.exec(field)?.groups ?? {}
    return name === undefined || value === undefined || FRAMING.test(name) ? [] : [[name.toLowerCase(), value] as const]
  })
  const type = body === '' ? {} : { 'content-type': 'application/json' }
  return {
    method: method as Method,
    url: `${asked.pathname}${asked.search}`,
    headers: { ...type, ...Object.fromEntries(headers) },
    payload: Buffer.from(body, 'latin1'),
  }
}

/** Says how bodies go over a connection, of which there is none. */
const FRAMING = /^(content-length|transfer-encoding|connection|expect|upgrade|host)$/i

/** No limit of requests a second: what is over it is not looked at. */
const UNLIMITED = { 'requests.perIdentity.perSecond': '0', 'requests.total.perSecond': '0' }

/** Every route of the programs' APIs, for whoever may all. */
export const API_TARGETS: readonly FuzzTarget[] = [
  apiTarget({
    name: 'supernode-api',
    about: 'every route of the supernode: no answer is a 500, or another than its description says',
    requests: SUPERNODE_ROUTES,
    start: cluster => cluster.supernode(UNLIMITED),
  }),
  apiTarget({
    name: 'dfdaemon-api',
    about: 'every route of dfdaemon, and of the registry that it stands for',
    requests: DFDAEMON_ROUTES,
    start: cluster => cluster.dfdaemon(UNLIMITED, { registries: { allow: ['127.0.0.1*', 'docker.io', 'r.example'] } }),
  }),
]
