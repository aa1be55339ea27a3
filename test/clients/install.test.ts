import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createInstallCommand, createUninstallCommand } from '../../dfdaemon/node/install/install-command.ts'
import { run, startProcess } from '../helpers/process.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { cleanEnvironment } from './runtimes/runtime.ts'

const MIRROR = 'http://127.0.0.1:65001'

let resources: AsyncDisposableStack
let directory: string
let root: string

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  directory = resources.use(await createScratchDirectory()).path
  root = join(directory, 'root')
  await mkdir(root)
})

afterEach(() => resources.disposeAsync())

async function install(...args: string[]): Promise<void> {
  const command = createInstallCommand({ stdout: { write: () => {} } })
  await command.parseAsync(['node', 'install', ...args, '--mirror', MIRROR, '--root', root])
}

async function uninstall(): Promise<void> {
  const command = createUninstallCommand({ stdout: { write: () => {} } })
  await command.parseAsync(['node', 'uninstall', '--root', root])
}

async function writeConfig(path: string, content: string): Promise<string> {
  const file = join(root, path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, content)
  return file
}

describe('dockerd', () => {
  test('starts with the daemon.json that was added to, and uses the mirror', async () => {
    const before = JSON.stringify(
      {
        'data-root': join(directory, 'data'),
        'exec-root': join(directory, 'exec'),
        pidfile: join(directory, 'docker.pid'),
        hosts: [`unix://${join(directory, 'docker.sock')}`],
        'registry-mirrors': ['https://hub.example'],
        'storage-driver': 'vfs',
        iptables: false,
        ip6tables: false,
        bridge: 'none',
        'ip-forward': false,
        'userland-proxy': false,
      },
      undefined,
      4,
    )
    const file = await writeConfig('/etc/docker/daemon.json', before)
    await install('docker')
    const options = { env: cleanEnvironment(directory) }
    {
      await using daemon = await startProcess('dockerd', ['--config-file', file], options)
      await daemon.waitForLine('stderr', line => line.includes('API listen on'), { timeoutMs: 60_000 })
      const info = await run(
        'docker',
        ['--host', `unix://${join(directory, 'docker.sock')}`, 'info', '--format', '{{json .RegistryConfig.Mirrors}}'],
        options,
      )
      expect(JSON.parse(info.stdout)).toEqual([`${MIRROR}/`, 'https://hub.example/'])
    }
    await uninstall()
    expect(await readFile(file, 'utf8')).toBe(before)
  })
})

describe('containerd', () => {
  test.each(['', '[plugins]\n  [plugins."io.containerd.grpc.v1.cri"]\n    sandbox_image = "pause:1"\n'])(
    'reads config_path from the config.toml that was edited: %j',
    async more => {
      const file = await writeConfig('/etc/containerd/config.toml', `version = 2\n${more}`)
      await install('containerd', '--edit-containerd-config')
      const { stdout } = await run('containerd', ['--config', file, 'config', 'dump'], {
        env: cleanEnvironment(directory),
      })
      expect(stdout).toContain('config_path = "/etc/containerd/certs.d"')
    },
  )

  test('its own dump of the defaults can be edited and stays readable', async () => {
    const options = { env: cleanEnvironment(directory) }
    const defaults = (await run('containerd', ['config', 'default'], options)).stdout
    const file = await writeConfig('/etc/containerd/config.toml', defaults)
    await install('containerd', '--edit-containerd-config')
    const { stdout } = await run('containerd', ['--config', file, 'config', 'dump'], options)
    expect(stdout).toContain('config_path = "/etc/containerd/certs.d"')
    await uninstall()
    expect(await readFile(file, 'utf8')).toBe(defaults)
  })
})

describe('podman', () => {
  test('shows the mirror of each registry, beside what was there', async () => {
    await writeConfig(
      '/etc/containers/registries.conf',
      'unqualified-search-registries = ["docker.io"]\n[[registry]]\nlocation = "ghcr.io"\n[[registry.mirror]]\nlocation = "old.example"\n',
    )
    await install('podman', '--registry', 'docker.io', '--registry', 'ghcr.io')
    // podman of Debian 12 takes no other place for drop-ins, so it gets a view in which this is /etc/containers.
    const inView = [
      '--mount',
      'sh',
      '-ec',
      'mount --bind "$0" /etc/containers; exec "$@"',
      join(root, 'etc/containers'),
    ]
    const storage = ['--root', join(directory, 'storage'), '--runroot', join(directory, 'run')]
    const podman = ['podman', ...storage, '--storage-driver', 'vfs', 'info', '--format', 'json']
    const { stdout } = await run('unshare', [...inView, ...podman], { env: cleanEnvironment(directory) })
    const { registries } = JSON.parse(stdout) as {
      registries: Record<string, { Mirrors: { Location: string; Insecure: boolean }[] }>
    }
    const mirrorsOf = (name: string) => registries[name]?.Mirrors.map(mirror => [mirror.Location, mirror.Insecure])
    expect(mirrorsOf('docker.io')).toEqual([['127.0.0.1:65001/docker.io', true]])
    expect(mirrorsOf('ghcr.io')).toEqual([
      ['127.0.0.1:65001/ghcr.io', true],
      ['old.example', false],
    ])
  })
})

test('the sources run as they are', async () => {
  const file = fileURLToPath(new URL('../../dfdaemon/node/install/install-command.ts', import.meta.url))
  const script = `const { createInstallCommand } = await import(${JSON.stringify(file)}); await createInstallCommand().parseAsync()`
  const { stdout } = await run(process.execPath, [
    '--input-type=module',
    '-e',
    script,
    '--',
    'k3s',
    '--dry-run',
    '--root',
    root,
  ])
  expect(stdout).toContain('+++ /etc/rancher/k3s/registries.yaml')
})
