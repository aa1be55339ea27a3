import { once } from 'node:events'
import { type StartHarborInit, startHarbor } from '../../helpers/harbor/start-harbor.ts'
import { answerFromBackend } from '../../helpers/registry-front/answers.ts'
import { type BearerRegistryInit, createBearerRegistry } from '../../helpers/registry-front/bearer-registry.ts'
import type { FrontHandler } from '../../helpers/registry-front/front-server.ts'
import type { SeenRequest } from '../../helpers/registry-front/seen-request.ts'

/** What a front program is started with, as JSON: a Harbor, some of whose projects are registries of other kinds. */
export interface FrontProgramInit extends Omit<StartHarborInit, 'elsewhere'> {
  /** Projects with a token service, at `/token/<project>` unless a realm is given; `*` stands for all others. */
  readonly bearer?: Readonly<Record<string, Omit<BearerRegistryInit, 'realm'> & { readonly realm?: string }>>
  /** Projects that come from a registry of this URL as they are. */
  readonly open?: Readonly<Record<string, string>>
}

/** Runs on a node of a test network: prints its URL on standard output, what it saw on standard error. */
async function main({ bearer = {}, open = {}, ...init }: FrontProgramInit): Promise<void> {
  const note = (seen: SeenRequest) => void process.stderr.write(`${JSON.stringify(seen)}\n`)
  const elsewhere: Record<string, FrontHandler> = {}
  for (const [project, settings] of Object.entries(bearer)) {
    elsewhere[project] = createBearerRegistry({ realm: `/token/${project}`, ...settings })
  }
  for (const [project, registryUrl] of Object.entries(open)) {
    elsewhere[project] = exchange => answerFromBackend(exchange, { registryUrl })
  }
  const server = await startHarbor({ ...init, elsewhere: project => elsewhere[project] ?? elsewhere['*'] }, note)
  process.stdout.write(`${JSON.stringify({ url: server.url })}\n`)
  await once(process, 'SIGTERM')
  await server.stop()
}

await main(JSON.parse(process.argv[2] ?? '') as FrontProgramInit)
