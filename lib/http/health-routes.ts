import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { MetricsPage } from '../metrics.ts'
import { VERSION } from '../version.ts'
import { answers, jsonAnswer, textAnswer } from './answers.ts'

/** `GET /version`: what runs here. The capitalised fields are those that tools of Dragonfly v1 read (docs/api.md). */
const VersionPage = Type.Object({
  name: Type.String({ description: 'of the program' }),
  version: Type.String(),
  node: Type.String({ description: 'version of Node' }),
  Version: Type.String({ description: 'the same as version' }),
  OS: Type.String(),
  Arch: Type.String({ description: 'by the name that Go has for it, such as amd64' }),
})

/** Go's names where they differ from Node's. */
const ARCHES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** Adds what every program answers: `/_ping`, `/version` and `/metrics`. */
export function addHealthRoutes(app: FastifyInstance, program: string, metrics: MetricsPage): void {
  const tags = ['program']
  const page: Static<typeof VersionPage> = {
    name: program,
    version: VERSION,
    node: process.version,
    Version: VERSION,
    OS: process.platform,
    Arch: ARCHES[process.arch] ?? process.arch,
  }
  const ping = { summary: 'Whether the program answers', tags, response: answers({ 200: textAnswer('`OK`') }) }
  app.get('/_ping', { schema: ping, config: { access: 'public', unlimited: true } }, async () => 'OK')

  const version = {
    summary: 'What runs here',
    tags,
    response: answers({ 200: jsonAnswer('the program and its version', VersionPage) }),
  }
  app.get('/version', { schema: version, config: { access: 'public' } }, async () => page)

  const [mediaType = ''] = metrics.contentType.split(';', 1)
  const response = answers({ 200: textAnswer('in the text form that Prometheus reads', mediaType) })
  const counters = { summary: 'Its counters', tags, response }
  app.get('/metrics', { schema: counters, config: { access: ['viewer'] } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}
