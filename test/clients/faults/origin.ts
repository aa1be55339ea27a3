import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { makeCertificateAuthority, makeLeaf } from '../../../dfdaemon/intercept/certificates.ts'
import { startProcess } from '../../helpers/process.ts'
import type { Bench } from '../bench.ts'
import { cleanEnvironment } from '../runtimes/runtime.ts'
import type { Fault, OriginRequest, OriginState } from './fault.ts'
import type { FaultyOriginInit } from './faulty-origin.ts'

const DOCKER_HUB = 'registry-1.docker.io'
const PORT = 5001
const STORAGE_PORT = 5002
const START_TIMEOUT_MS = 20_000
const HOUR_MS = 3_600_000

/** An origin in front of a bench's registry that misbehaves as told; without being told it behaves. */
export interface FaultyOrigin {
  /** `http://host:port`. */
  readonly url: string
  /** For a dockerd: makes it meet this origin where it goes on to Docker Hub. */
  readonly dockerHubEnvironment: Readonly<Record<string, string>>
  /** Misbehaves from now on, and forgets the requests so far. */
  misbehave(...faults: readonly Fault[]): Promise<void>
  /** Closes its port until it is told something else. */
  closePort(): Promise<void>
  /** The requests since it was last told something. */
  requests(): Promise<OriginRequest[]>
}

/** Starts a faulty origin beside the registry of a bench. It ends with the bench. */
export async function startOrigin(bench: Bench): Promise<FaultyOrigin> {
  const { registryNode, registry } = bench
  const directory = await bench.directory('origin')
  const controlSocket = join(directory, 'control.sock')
  const validity = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS }
  const authority = await makeCertificateAuthority([DOCKER_HUB], validity)
  const leaf = await makeLeaf(authority, DOCKER_HUB, validity)
  const authorityFile = join(directory, 'ca.crt')
  await writeFile(authorityFile, authority.certificate)
  const init: FaultyOriginInit = {
    registryUrl: registry.url,
    address: registryNode.address,
    port: PORT,
    storagePort: STORAGE_PORT,
    controlSocket,
    dockerHub: { cert: leaf.certificate, key: leaf.key },
  }
  const main = fileURLToPath(new URL('./faulty-origin-main.ts', import.meta.url))
  const child = bench.use(
    await startProcess(process.execPath, [main, JSON.stringify(init)], {
      namespace: registryNode.namespace,
      env: cleanEnvironment(directory),
    }),
  )
  await child.waitForLine('stdout', line => line === 'ready', { timeoutMs: START_TIMEOUT_MS })
  const url = `http://${registryNode.address}:${PORT}`
  const tell = (state: OriginState) => control(controlSocket, 'PUT', JSON.stringify(state))
  return {
    url,
    dockerHubEnvironment: { HTTPS_PROXY: url, SSL_CERT_FILE: authorityFile },
    async misbehave(...faults) {
      await tell({ port: 'open', faults })
    },
    async closePort() {
      await tell({ port: 'closed' })
    },
    requests: async () => JSON.parse(await control(controlSocket, 'GET')) as OriginRequest[],
  }
}

// A path in the file system leads into any network namespace.
function control(socketPath: string, method: 'GET' | 'PUT', body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path: '/', headers: { connection: 'close' } })
    outgoing.on('response', answer => void text(answer).then(resolve, reject))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
