import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { NetworkNode } from '../../helpers/netns.ts'
import { startProcess } from '../../helpers/process.ts'
import { type BlobRequest, parseBlobRequests } from './registry-log.ts'
import { cleanEnvironment } from './runtime.ts'

const PORT = 5000
const START_TIMEOUT_MS = 20_000

/** Debian's docker-registry on filesystem storage, with plain HTTP and no login. */
export interface DockerRegistry extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string
  /** Ends the registry after its last answer and returns every blob request of its life. */
  finish(): Promise<BlobRequest[]>
}

/** Starts an empty registry on a node. */
export async function startDockerRegistry(node: NetworkNode, directory: string): Promise<DockerRegistry> {
  const configFile = join(directory, 'registry.yml')
  const logFile = join(directory, 'registry.log')
  const address = `${node.address}:${PORT}`
  await writeFile(
    configFile,
    stringify({
      version: '0.1',
      log: { level: 'info', formatter: 'json' },
      storage: { filesystem: { rootdirectory: join(directory, 'registry') } },
      http: { addr: address, draintimeout: '10s' },
    }),
  )
  const child = await startProcess('docker-registry', ['serve', configFile], {
    namespace: node.namespace,
    env: cleanEnvironment(directory),
    stderrFile: logFile,
  })
  const log = () => readFile(logFile, 'utf8')
  await child.waitUntil(async () => (await log()).includes(`listening on ${address}`), {
    timeoutMs: START_TIMEOUT_MS,
    what: 'the registry to listen',
  })
  return {
    url: `http://${address}`,
    async finish() {
      await child.stop()
      return parseBlobRequests(await log())
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
