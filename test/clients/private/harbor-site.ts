import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificateAuthority, makeLeaf } from '../../../dfdaemon/intercept/certificates.ts'
import type { HarborTask } from '../../helpers/harbor-driver.ts'
import { run } from '../../helpers/process.ts'
import { type Bench, createBench } from '../bench.ts'
import type { Surroundings } from '../programs.ts'
import { buildAndPushImage, type ManifestFormat, type PushedImage } from '../runtimes/image.ts'
import { cleanEnvironment, type RegistryLogin } from '../runtimes/runtime.ts'
import { type Front, startFront } from './front.ts'
import type { DriverName, JobserviceInit } from './jobservice-program.ts'

/** By which name nodes pull. */
export const HARBOR_HOST = 'harbor.example'
/** The robot of docs/harbor.md, which may pull from the project `library`. */
export const LIBRARY_ROBOT = { username: 'robot$library+damselfly', password: 'planted-library-secret' }
/** One that may pull from the proxy-cache project `hub`. */
export const HUB_ROBOT = { username: 'robot$hub+damselfly', password: 'planted-hub-secret' }

/** As Harbor itself: it makes the tokens that come with its jobs. */
const HARBOR_ITSELF = { username: 'harbor-jobservice', password: 'planted-harbor-secret' }
const HOUR_MS = 3_600_000

/** An image that was pushed to a Harbor. */
export interface HarborPush extends PushedImage {
  /** `library/nginx`, without the tag. */
  readonly repository: string
  readonly tag: string
}

/** A preheat by Harbor, with the token that it gave away. */
export interface PreheatByHarbor extends HarborTask {
  readonly registryToken: string
}

/** A Harbor by the name `harbor.example`, in front of the bench's registry, with its storage at port 8443. */
export interface HarborSite extends AsyncDisposable {
  readonly bench: Bench
  readonly harbor: Front
  /** For programs that have to reach it. */
  readonly surroundings: Surroundings
  /** Pushes an image whose layers have these sizes. */
  push(repository: string, layerSizesBytes: readonly number[], format?: ManifestFormat): Promise<HarborPush>
  /** Has Harbor's jobservice run a preheat, with a token for this one repository. */
  preheat(
    driver: DriverName,
    pushed: HarborPush,
    instance: Pick<JobserviceInit, 'endpoint' | 'headers'>,
  ): Promise<PreheatByHarbor>
  /** Runs curl where Harbor runs. @throws Error unless it is answered with 2xx */
  curl(...args: readonly string[]): Promise<string>
}

/** Starts it. Whoever asks for it disposes of it. */
export async function startHarborSite(): Promise<HarborSite> {
  const bench = await createBench()
  const node = await bench.addNode()
  const validity = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS }
  const authority = await makeCertificateAuthority([HARBOR_HOST], validity)
  const accountOf = (login: RegistryLogin, ...pulls: string[]) => ({ ...login, pulls })
  const harbor = await startFront(node, await bench.directory('harbor'), {
    listen: `${node.address}:443`,
    storageListen: `${node.address}:8443`,
    certificates: { [HARBOR_HOST]: await makeLeaf(authority, HARBOR_HOST, validity) },
    registryUrl: bench.registry.url,
    accounts: [
      accountOf(LIBRARY_ROBOT, 'library/'),
      accountOf(HUB_ROBOT, 'hub/'),
      accountOf(HARBOR_ITSELF, 'library/', 'hub/'),
    ],
    proxyProjects: ['hub'],
  })
  const home = await bench.directory('jobservice')
  const caFile = join(home, 'ca.crt')
  await writeFile(caFile, authority.certificate)
  const place = { namespace: node.namespace, env: cleanEnvironment(home) }

  async function curl(...args: readonly string[]): Promise<string> {
    const known = ['--silent', '--show-error', '--fail', '--resolve', `${HARBOR_HOST}:443:${node.address}`]
    return (await run('curl', [...known, ...args], place)).stdout
  }

  async function tokenFor(repository: string): Promise<string> {
    const query = `service=harbor-registry&scope=repository:${repository}:pull`
    const { username, password } = HARBOR_ITSELF
    const user = ['--cacert', caFile, '--user', `${username}:${password}`]
    return (JSON.parse(await curl(...user, `https://${HARBOR_HOST}/service/token?${query}`)) as { token: string }).token
  }

  return {
    bench,
    harbor: bench.use(harbor),
    surroundings: { hosts: { [HARBOR_HOST]: node.address }, environment: { NODE_EXTRA_CA_CERTS: caFile } },
    curl,
    async push(repository, layerSizesBytes, format = 'oci') {
      const tag = 'v1'
      const init = { node: bench.registryNode, directory: await bench.directory('buildah'), seed: repository }
      const place = { registryUrl: bench.registry.url, name: `${repository}:${tag}` }
      return { ...(await buildAndPushImage({ ...init, ...place, format, layerSizesBytes })), repository, tag }
    },
    async preheat(driver, { repository, tag, manifestDigest }, instance) {
      const token = await tokenFor(repository)
      const url = `https://${HARBOR_HOST}/v2/${repository}/manifests/${tag}`
      const init: JobserviceInit = {
        ...{ driver, ...instance },
        image: { url, repository, tag, digest: manifestDigest, token },
      }
      const program = fileURLToPath(new URL('jobservice-program.ts', import.meta.url))
      const { stdout } = await run(process.execPath, [program, JSON.stringify(init)], place)
      return { ...(JSON.parse(stdout) as HarborTask), registryToken: token }
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}
