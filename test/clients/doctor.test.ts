import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Finding } from '../../dfdaemon/node/doctor/finding.ts'
import { createInstallCommand, createUninstallCommand } from '../../dfdaemon/node/install/install-command.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { type ChildProcess, startProcess } from '../helpers/process.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Diagnosis, readDiagnosis, runDoctor } from '../unit/dfdaemon/doctor/fixture.ts'
import { cleanEnvironment } from './runtimes/runtime.ts'

const START_TIMEOUT_MS = 60_000
const MAIN = fileURLToPath(new URL('../../dfdaemon/main.ts', import.meta.url))

let cluster: TestCluster
let node: TestProgram
/** What the runtimes need beside the files that are installed. */
let directory: string
/** Stands for the root of the machine. */
let root: string

beforeAll(async () => {
  assertClientRequirements()
  cluster = await startCluster()
  const supernode = await cluster.supernode()
  node = await cluster.dfdaemon({ supernode: supernode.url })
})

afterAll(() => cluster[Symbol.asyncDispose]())

beforeEach(async () => {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  directory = scratch.path
  root = join(directory, 'root')
  await mkdir(root)
})

async function install(...args: string[]): Promise<void> {
  const command = createInstallCommand({ stdout: { write: () => {} } })
  await command.parseAsync(['node', 'install', ...args, '--mirror', node.url, '--root', root])
}

async function uninstall(runtime: string): Promise<void> {
  const command = createUninstallCommand({ stdout: { write: () => {} } })
  await command.parseAsync(['node', 'uninstall', runtime, '--root', root])
}

async function writeConfig(path: string, content: string): Promise<string> {
  const file = join(root, path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, content)
  return file
}

/** Runs `dfdaemon doctor` in a process of its own, behind another command. */
async function doctorBehind(before: readonly string[], ...args: string[]): Promise<Diagnosis> {
  const [command = '', ...rest] = [...before, process.execPath, MAIN, 'doctor', '--json', '--root', root, ...args]
  await using child = await startProcess(command, rest, { env: cleanEnvironment(directory) })
  const { code } = await child.exited
  return readDiagnosis(child.stdout.text(), code ?? -1)
}

/** The command that sets a runtime up as it is looked at here. */
function installing(runtime: string): string {
  return `dfdaemon install ${runtime} --mirror ${node.url} --root ${root}`
}

async function runtimeFinding(runtime: string): Promise<Finding | undefined> {
  const { find } = await runDoctor('--mirror', node.url, '--root', root, '--runtime', runtime)
  return find(`runtime-${runtime}`)
}

test('containerd: not set up, not reading hosts.toml, not restarted, wired, put back', async () => {
  const file = await writeConfig('/etc/containerd/config.toml', containerdConfig())
  let daemon = await startContainerd(file)
  expect(await runtimeFinding('containerd')).toMatchObject({ status: 'fail', mend: installing('containerd') })

  await install('containerd')
  expect(await runtimeFinding('containerd')).toMatchObject({
    status: 'fail',
    mend: `${installing('containerd')} --edit-containerd-config && systemctl restart containerd`,
  })

  await install('containerd', '--edit-containerd-config')
  expect(await runtimeFinding('containerd')).toMatchObject({ status: 'fail', mend: 'systemctl restart containerd' })

  await daemon.stop()
  daemon = await startContainerd(file)
  expect(await runtimeFinding('containerd')).toEqual({
    check: 'runtime-containerd',
    status: 'ok',
    what: `containerd pulls through ${node.url}`,
  })

  await uninstall('containerd')
  expect(await runtimeFinding('containerd')).toMatchObject({ status: 'fail', mend: installing('containerd') })
})

test('dockerd: not set up, not reloaded, wired, stopped', async () => {
  const file = await writeConfig('/etc/docker/daemon.json', JSON.stringify(dockerConfig()))
  const daemon = await started('dockerd', ['--config-file', file], 'API listen on')
  expect(await runtimeFinding('docker')).toMatchObject({ status: 'fail', mend: installing('docker') })

  await install('docker')
  expect(await runtimeFinding('docker')).toMatchObject({ status: 'fail', mend: 'systemctl reload docker' })

  daemon.signal('SIGHUP')
  const wired = await waitFor(
    async () => {
      const finding = await runtimeFinding('docker')
      return finding?.status === 'ok' && finding
    },
    { timeoutMs: 20_000, what: 'dockerd to use the mirror' },
  )
  expect(wired.what).toBe(`docker pulls through ${node.url}`)

  await daemon.stop()
  expect(await runtimeFinding('docker')).toMatchObject({
    status: 'warn',
    what: expect.stringContaining('dockerd does not run'),
  })
})

test('podman: wired, then pointed elsewhere by hand', async () => {
  await install('podman')
  expect(await runtimeFinding('podman')).toMatchObject({ status: 'ok' })
  const { port } = new URL(node.url)
  const other =
    '[[registry]]\nprefix = "docker.io"\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "127.0.0.1:1/docker.io"\n'
  await writeConfig('/etc/containers/registries.conf.d/damselfly.conf', other)
  expect(await runtimeFinding('podman')).toMatchObject({
    status: 'fail',
    what: `podman is set up for http://127.0.0.1:1, but this dfdaemon is at http://127.0.0.1:${port}`,
  })
})

describe('the machine', () => {
  const mounted = (size: string, command: string) => [
    ...['unshare', '--mount', 'sh', '-ec'],
    ...[`mount -t tmpfs -o size=${size} none "$0"; ${command} exec "$@"`, directory],
  ]
  const stopped = ['--mirror', 'http://127.0.0.1:1', '--runtime', 'podman']

  test.each([
    ['full', '300m', 'head -c 290M /dev/zero >"$0/file";', 'fail', 'too little to store anything'],
    ['read-only', '6g', 'mount -o remount,ro none "$0";', 'fail', 'read-only file system'],
  ])('data directory on a file system that is %s', async (_, size, command, status, what) => {
    // Its own root is below what is mounted over.
    const args = [...stopped, '--data-dir', directory, '--root', '/']
    const { find } = await doctorBehind(mounted(size, command), ...args)
    expect(find('data-directory')).toMatchObject({ status, what: expect.stringContaining(what) })
  })

  test('another user hears what it cannot see', async () => {
    await install('podman')
    const other = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
    const { find } = await doctorBehind(other, '--mirror', node.url, '--runtime', 'podman')
    expect(find('dfdaemon')).toMatchObject({ status: 'ok' })
    expect(find('data-directory')).toMatchObject({
      status: 'warn',
      mend: expect.stringMatching(/^sudo dfdaemon doctor /),
    })
    expect(find('data-directory')?.what).toContain('user 65534')
    expect(find('runtime-podman')).toMatchObject({
      status: 'warn',
      mend: expect.stringMatching(/^sudo dfdaemon doctor /),
    })
  })
})

function startContainerd(file: string): Promise<ChildProcess> {
  return started('containerd', ['--config', file], 'containerd successfully booted')
}

async function started(program: string, args: readonly string[], readyLine: string): Promise<ChildProcess> {
  const daemon = await startProcess(program, args, { env: cleanEnvironment(directory) })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  await daemon.waitForLine('stderr', line => line.includes(readyLine), { timeoutMs: START_TIMEOUT_MS })
  return daemon
}

function containerdConfig(): string {
  const socket = join(directory, 'containerd.sock')
  return [
    'version = 2',
    `root = "${join(directory, 'containerd')}"`,
    `state = "${join(directory, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `  address = "${socket}"`,
    '[ttrpc]',
    `  address = "${socket}.ttrpc"`,
    '',
  ].join('\n')
}

function dockerConfig() {
  return {
    'data-root': join(directory, 'data'),
    'exec-root': join(directory, 'exec'),
    pidfile: join(directory, 'docker.pid'),
    hosts: [`unix://${join(directory, 'docker.sock')}`],
    'storage-driver': 'vfs',
    iptables: false,
    ip6tables: false,
    bridge: 'none',
    'ip-forward': false,
    'userland-proxy': false,
  }
}
