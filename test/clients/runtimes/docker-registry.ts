import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { NetworkNode } from '../../helpers/netns.ts'
import { startProcess } from '../../helpers/process.ts'
import { type BlobRequest, parseBlobRequests } from './registry-log.ts'
import { cleanEnvironment } from './runtime.ts'

const PORT = 5000
const START_TIMEOUT_MS = 20_000

/** Debian's docker-registry on filesystem storage; with plain HTTP and no login unless it is told otherwise. */
export interface DockerRegistry extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string
  /** Where its content lies. */
  readonly storageDirectory: string
  /** Every blob request that it has answered so far. */
  blobRequests(): Promise<BlobRequest[]>
  /** Ends the registry after its last answer and returns every blob request of its life. */
  finish(): Promise<BlobRequest[]>
}

/** How a registry differs from an empty one without accounts. */
export interface DockerRegistryInit {
  readonly port?: number
  /** Of another registry, whose content this one has too. */
  readonly storageDirectory?: string
  /** Further sections of its configuration, such as `auth` and `proxy`. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Added to its environment, for example `SSL_CERT_FILE`. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts a registry on a node. */
export async function startDockerRegistry(
  node: NetworkNode,
  directory: string,
  { port = PORT, storageDirectory = join(directory, 'registry'), settings, environment }: DockerRegistryInit = {},
): Promise<DockerRegistry> {
  const configFile = join(directory, 'registry.yml')
  const logFile = join(directory, 'registry.log')
  const address = `${node.address}:${port}`
  await writeFile(
    configFile,
    stringify({
      version: '0.1',
      log: { level: 'info', formatter: 'json' },
      storage: { filesystem: { rootdirectory: storageDirectory } },
      http: { addr: address, draintimeout: '10s' },
      ...settings,
    }),
  )
  const child = await startProcess('docker-registry', ['serve', configFile], {
    namespace: node.namespace,
    env: { ...cleanEnvironment(directory), ...environment },
    stderrFile: logFile,
  })
  const log = () => readFile(logFile, 'utf8')
  const blobRequests = async () => parseBlobRequests(await log())
  await child.waitUntil(async () => (await log()).includes(`listening on ${address}`), {
    timeoutMs: START_TIMEOUT_MS,
    what: 'the registry to listen',
  })
  return {
    url: `http://${address}`,
    storageDirectory,
    blobRequests,
    async finish() {
      await child.stop()
      return await blobRequests()
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
