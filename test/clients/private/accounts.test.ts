import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { assertClientRequirements } from '../../helpers/requirements.ts'
import { type DockerRegistry, startDockerRegistry } from '../runtimes/docker-registry.ts'
import type { PushedImage } from '../runtimes/image.ts'
import { sentBytesByBlob } from '../runtimes/registry-log.ts'
import { HTPASSWD, ROBOT } from './account.ts'
import { allPulled, MIRROR_URL, type RuntimeNodes, startRuntimeNodes } from './runtime-nodes.ts'

const PRIVATE = 'library/private:v1'
const OWN = 'library/own:v1'

let nodes: RuntimeNodes
let registry: DockerRegistry
let privateImage: PushedImage
let ownImage: PushedImage
let daemons: AsyncDisposable

beforeAll(async () => {
  assertClientRequirements()
  nodes = await startRuntimeNodes()
  const { bench, pushImage } = nodes
  ;[privateImage, ownImage] = await Promise.all([pushImage(PRIVATE), pushImage(OWN)])
  const directory = await bench.directory('htpasswd')
  const path = join(directory, 'htpasswd')
  await writeFile(path, HTPASSWD)
  const { storageDirectory } = bench.registry
  const settings = { auth: { htpasswd: { realm: 'bench', path } } }
  registry = bench.use(
    await startDockerRegistry(bench.registryNode, directory, { port: 5001, storageDirectory, settings }),
  )
  const { url } = registry
  const upstreams = {
    'docker.io': { url, account: ROBOT },
    [new URL(url).host]: { url, account: { ...ROBOT, password: 'wrong' } },
  }
  daemons = await nodes.startDaemons({ registryUrl: url, settings: { upstreams } })
})

afterAll(async () => {
  await daemons?.[Symbol.asyncDispose]()
  await nodes?.[Symbol.asyncDispose]()
})

// ctr shows the account to the mirror, the others to the registry, which they go to when the mirror refuses. dockerd does
// neither: its mirrors stand for Docker Hub only.
test.each(['containerd', 'podman', 'skopeo', 'buildah'] as const)(
  '%s pulls by the account of its user where the dfdaemon has a wrong one',
  async name => {
    onTestFailed(() => void process.stderr.write(nodes.log()))
    const { host } = new URL(registry.url)
    const place = { registry: host, registryUrl: name === 'containerd' ? MIRROR_URL : registry.url }
    const stranger = await nodes.startRuntime(name, place)
    await expect(stranger.pull(`${host}/${OWN}`)).rejects.toThrow(/unauthorized|basic auth/i)
    const user = await nodes.startRuntime(name, { ...place, credentials: ROBOT })
    expect((await user.pull(`${host}/${OWN}`)).manifestDigest).toBe(ownImage.manifestDigest)
  },
)

test('anonymous clients pull by the account of the dfdaemon, and the registry sends each blob once', async () => {
  onTestFailed(() => void process.stderr.write(nodes.log()))
  expect(await nodes.pullAll(`docker.io/${PRIVATE}`)).toEqual(allPulled(privateImage))
  const sent = sentBytesByBlob(await registry.finish())
  for (const { digest, sizeBytes } of privateImage.blobs) expect(sent.get(digest)).toBe(sizeBytes)
})
