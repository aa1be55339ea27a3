import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { createRegistryMock, type RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { run, startProcess } from '../helpers/process.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { type ContainersConfig, writeContainersConfig } from './runtimes/containers-config.ts'

const CREDENTIALS = 'user:password'

let resources: AsyncDisposableStack
let directory: string
let containers: ContainersConfig
/** Holds the image that the clients copy from. */
let source: RegistryMock
let image: GeneratedImage

beforeAll(async () => {
  resources = new AsyncDisposableStack()
  directory = resources.use(await createScratchDirectory()).path
  containers = await writeContainersConfig(directory)
  source = await started({})
  image = await source.generateImage({ repository: 'library/demo', tag: 'v1', layers: 3, sizeBytes: 8 * 1024 * 1024 })
})

afterAll(() => resources.disposeAsync())

async function started(settings: Parameters<typeof createRegistryMock>[0]): Promise<RegistryMock> {
  const registry = createRegistryMock({ listen: '127.0.0.1:0', ...settings })
  await registry.start()
  resources.defer(() => registry.stop())
  return registry
}

/** Reads the manifest that a client has pushed, with its blobs, and checks every digest. */
async function checkPushed(registry: RegistryMock, name: string, headers: Record<string, string> = {}) {
  const get = async (path: string) => {
    const response = await fetch(`${registry.url}/v2/${name}/${path}`, { headers })
    expect(response.status).toBe(200)
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(digestOf(bytes)).toBe(response.headers.get('docker-content-digest'))
    return bytes
  }
  const bytes = await get('manifests/v2')
  const { config, layers } = JSON.parse(Buffer.from(bytes).toString()) as Manifest
  for (const { digest } of [config, ...layers]) expect(digestOf(await get(`blobs/${digest}`))).toBe(digest)
  return { digest: digestOf(bytes), layerCount: layers.length }
}

interface Manifest {
  config: { digest: string }
  layers: { digest: string }[]
}

const BASIC = { authorization: `Basic ${Buffer.from(CREDENTIALS).toString('base64')}` }

async function bearer(registry: RegistryMock, name: string): Promise<Record<string, string>> {
  const response = await fetch(`${registry.url}/token?scope=repository:${name}:pull`, { headers: BASIC })
  const { token } = (await response.json()) as { token: string }
  return { authorization: `Bearer ${token}` }
}

describe('skopeo', () => {
  function skopeo(...args: string[]) {
    return run('skopeo', ['--policy', containers.policyFile, ...args], { env: containers.env })
  }

  test('copies into a registry with bearer tokens and back out of it through redirects', async () => {
    const target = await started({ auth: { mode: 'bearer' }, redirect: { enabled: true } })
    await skopeo(
      ...[
        'copy',
        '--preserve-digests',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        '--dest-creds',
        CREDENTIALS,
      ],
      ...[`docker://${source.host}/library/demo:v1`, `docker://${target.host}/library/copy:v2`],
    )
    const { digest } = await checkPushed(target, 'library/copy', await bearer(target, 'library/copy'))
    expect(digest).toBe(image.digest)

    target.stats.reset()
    target.clearRequests()
    const copy = join(directory, 'copy')
    await skopeo(
      ...['copy', '--src-tls-verify=false', '--src-creds', CREDENTIALS],
      ...[`docker://${target.host}/library/copy:v2`, `dir:${copy}`],
    )
    expect(digestOf(await readFile(join(copy, 'manifest.json')))).toBe(image.digest)
    expect(target.stats.snapshot().totalBlobBytes).toBe(image.imageBytes)
    const fromStorage = target.requests.filter(request => request.path.startsWith('/storage/'))
    expect(fromStorage.map(request => [request.status, request.authorization])).toEqual(
      Array.from({ length: image.layers.length + 1 }, () => [200, false]),
    )
  })
})

describe('buildah', () => {
  test('pushes to a registry with Basic auth and blobs on disk', async () => {
    const target = await started({ auth: { mode: 'basic' }, dataDir: join(directory, 'blobs') })
    const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver', 'vfs']
    const buildah = (command: string, ...args: string[]) =>
      run(
        'buildah',
        [...storage, command, '--signature-policy', containers.policyFile, '--tls-verify=false', ...args],
        {
          env: containers.env,
        },
      )
    await buildah('pull', `docker://${source.host}/library/demo:v1`)
    const reference = `${source.host}/library/demo:v1`
    await buildah('push', '--creds', CREDENTIALS, reference, `docker://${target.host}/library/built:v2`)
    const { layerCount } = await checkPushed(target, 'library/built', BASIC)
    expect(layerCount).toBe(image.layers.length)
  })
})

describe('docker', () => {
  test('pushes by upload to a registry that it logged in to, and by mount within one registry', async () => {
    const target = await started({ auth: { mode: 'bearer' } })
    const docker = await startDocker()
    const reference = `${source.host}/library/demo:v1`
    await docker('pull', '--quiet', reference)

    const uploaded = `${target.host}/library/uploaded:v2`
    await docker('login', '--username', 'user', '--password', 'password', target.host)
    await docker('tag', reference, uploaded)
    await docker('push', uploaded)
    const pushed = await checkPushed(target, 'library/uploaded', await bearer(target, 'library/uploaded'))
    expect(pushed.layerCount).toBe(image.layers.length)
    expect(target.requests.filter(request => request.method === 'PATCH').length).toBeGreaterThan(image.layers.length)

    // Only layers that were pushed or pulled through this host can be mounted, which the ones just pushed were.
    const mounted = `${target.host}/library/mounted:v2`
    target.clearRequests()
    await docker('tag', reference, mounted)
    await docker('push', mounted)
    await checkPushed(target, 'library/mounted', await bearer(target, 'library/mounted'))
    const mounts = target.requests.filter(request => request.path.includes('mount=sha256') && request.status === 201)
    expect(mounts).toHaveLength(image.layers.length)

    await docker('rmi', uploaded, mounted, reference)
    await docker('pull', '--quiet', uploaded)
  })

  /** A dockerd of its own, without network and firewall rules. Returns its client. */
  async function startDocker() {
    const home = join(directory, 'docker')
    const socket = `unix://${join(directory, 'docker.sock')}`
    const configFile = join(directory, 'daemon.json')
    const paths = { 'data-root': join(home, 'data'), 'exec-root': join(home, 'exec'), pidfile: join(directory, 'pid') }
    const noNetwork = {
      iptables: false,
      ip6tables: false,
      bridge: 'none',
      'ip-forward': false,
      'userland-proxy': false,
    }
    await writeFile(configFile, JSON.stringify({ ...paths, ...noNetwork, hosts: [socket], 'storage-driver': 'vfs' }))
    const options = { env: containers.env }
    const daemon = resources.use(await startProcess('dockerd', ['--config-file', configFile], options))
    await daemon.waitForLine('stderr', line => line.includes('API listen on'), { timeoutMs: 60_000 })
    return (...args: string[]) => run('docker', ['--host', socket, ...args], options)
  }
})
