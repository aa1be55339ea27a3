import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MachineView, openMachineView } from '../helpers/machine-view.ts'
import { readmeLines } from '../helpers/readme-lines.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { type Bench, createBench, type NodeDaemon } from './bench.ts'
import type { Supernode } from './programs.ts'
import { buildAndPushImage, type PushedImage } from './runtimes/image.ts'
import { cleanEnvironment } from './runtimes/runtime.ts'

/** The image that README's lines pull. */
const IMAGE = 'library/alpine:3.20'
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
/** What the runtimes and `install` keep outside of /etc. */
const STATE = [
  '/run',
  '/var/lib/docker',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/opt/containerd',
  '/var/lib/damselfly',
]

let bench: Bench
let image: PushedImage
let supernode: Supernode

beforeAll(async () => {
  assertClientRequirements()
  bench = await createBench()
  supernode = await bench.startSupernode()
  image = await buildAndPushImage({
    node: bench.registryNode,
    directory: await bench.directory('buildah'),
    registryUrl: bench.registry.url,
    name: IMAGE,
    format: 'oci',
    layerSizesBytes: [1 << 20, 1 << 16],
    seed: 'readme',
  })
})

afterAll(() => bench[Symbol.asyncDispose]())

/** A node with a dfdaemon where README expects it, and with nothing configured. */
async function openNode() {
  const daemon = await bench.startDfdaemon({ supernode, registryUrl: bench.registry.url })
  const view = bench.use(await openMachineView(daemon.node, STATE))
  const env = cleanEnvironment(await bench.directory('home'))
  return { daemon, view, env }
}

/** Runs README's lines under a heading, one after the other. */
async function follow(heading: string, view: MachineView, env: NodeJS.ProcessEnv): Promise<number> {
  const lines = await readmeLines(heading)
  for (const line of lines) await view.shell(line, { cwd: CHECKOUT, env })
  return lines.length
}

/** The digests that the node's dfdaemon has sent whole. */
async function pulledDigests({ dfdaemon }: NodeDaemon): Promise<string[]> {
  expect(dfdaemon.log()).toContain('"msg":"pulled"')
  return dfdaemon
    .log()
    .split('\n')
    .filter(line => line.includes('"msg":"pulled"'))
    .map(line => (JSON.parse(line) as { task: string }).task)
}

async function expectPulled(daemon: NodeDaemon): Promise<void> {
  expect(new Set(await pulledDigests(daemon))).toEqual(new Set(image.blobs.map(({ digest }) => digest)))
}

test('containerd is set up and pulls', async () => {
  const { daemon, view, env } = await openNode()
  await using containerd = await view.start('containerd', [], { env })
  await containerd.waitForLine('stderr', line => line.includes('successfully booted'), { timeoutMs: 30_000 })
  expect(await follow('containerd', view, env)).toBeLessThanOrEqual(3)
  await expectPulled(daemon)
})

test('Docker is set up and pulls', async () => {
  const { daemon, view, env } = await openNode()
  // What a machine of this kind needs; `install` keeps it.
  const settings = { 'storage-driver': 'vfs', iptables: false, ip6tables: false, bridge: 'none', 'ip-forward': false }
  await view.shell(`mkdir -p /etc/docker; echo '${JSON.stringify(settings)}' > /etc/docker/daemon.json`, { env })
  await using dockerd = await view.start('dockerd', [], { env })
  await dockerd.waitForLine('stderr', line => line.includes('API listen on'), { timeoutMs: 60_000 })
  expect(await follow('Docker', view, env)).toBeLessThanOrEqual(3)
  await expectPulled(daemon)
})

test('podman is set up and pulls, and so do buildah and skopeo', async () => {
  const { daemon, view, env } = await openNode()
  expect(await follow('podman, buildah, skopeo', view, env)).toBeLessThanOrEqual(3)
  await expectPulled(daemon)
  const before = (await pulledDigests(daemon)).length
  await view.shell(`skopeo copy docker://docker.io/${IMAGE} dir:/run/copy`, { env })
  await view.shell(`buildah --root /run/b --runroot /run/b-run --storage-driver vfs pull docker.io/${IMAGE}`, { env })
  expect((await pulledDigests(daemon)).length).toBe(before + 2 * image.blobs.length)
})

test.each([
  ['CRI-O', '/etc/containers/registries.conf.d', 'location = "127.0.0.1:65001/docker.io"'],
  ['k3s', '/etc/rancher/k3s', 'http://127.0.0.1:65001'],
])('%s is set up, and uninstall takes it back', async (heading, directory, setting) => {
  const { view, env } = await openNode()
  const before = (await view.shell(`ls -R ${directory} 2>/dev/null || true`, { env })).stdout
  expect(await follow(heading, view, env)).toBeLessThanOrEqual(3)
  expect((await view.shell(`cat ${directory}/*`, { env })).stdout).toContain(setting)
  await view.shell('npm exec -- node dfdaemon/main.ts uninstall', { cwd: CHECKOUT, env })
  expect((await view.shell(`ls -R ${directory} 2>/dev/null || true`, { env })).stdout).toBe(before)
})
