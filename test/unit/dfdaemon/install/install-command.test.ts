import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DfdaemonConfig } from '../../../../dfdaemon/config.ts'
import { createInstallCommand, createUninstallCommand } from '../../../../dfdaemon/node/install/install-command.ts'
import { createConfigCommand } from '../../../../lib/config/config-command.ts'
import { createMachineRoot } from './fixture.ts'

const DAEMON_JSON = '/etc/docker/daemon.json'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** What `dfdaemon` with these arguments prints. */
async function dfdaemon(...args: string[]): Promise<string> {
  const printed: string[] = []
  const streams = { stdout: { write: (text: string) => printed.push(text) } }
  const command = createConfigCommand('dfdaemon', 'A test.', DfdaemonConfig)
    .addCommand(createInstallCommand(streams))
    .addCommand(createUninstallCommand(streams))
  const quiet = { writeErr: () => {}, writeOut: () => {} }
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput(quiet)
  await command.parseAsync(['node', 'dfdaemon', ...args])
  return printed.join('')
}

describe('dfdaemon install', () => {
  it('says what it wrote and what to run', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '{}' })
    const title = 'docker is set up for http://127.0.0.1:65001'
    expect(await dfdaemon('install', 'docker', '--root', root.path)).toBe(
      `${title}:\n  changed  ${DAEMON_JSON}\nNow run: systemctl reload docker\n`,
    )
    expect(await dfdaemon('install', 'docker', '--root', root.path)).toBe(
      `${title} already; nothing to change.\n  unchanged  ${DAEMON_JSON}\n`,
    )
    expect(await dfdaemon('uninstall', '--root', root.path)).toBe(
      `docker is put back:\n  restored  ${DAEMON_JSON}\nNow run: systemctl reload docker\n`,
    )
    expect(await root.read(DAEMON_JSON)).toBe('{}')
    expect(await dfdaemon('uninstall', '--root', root.path)).toBe('Nothing is installed.\n')
    expect(await dfdaemon('uninstall', 'k3s', '--root', root.path)).toBe('Nothing is installed for k3s.\n')
  })

  it('shows with --dry-run what it would change, and changes nothing', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '{\n  "a": 1\n}\n' })
    const before = await root.tree()
    expect(await dfdaemon('install', 'docker', '--dry-run', '--root', root.path)).toBe(
      [
        'docker would be set up for http://127.0.0.1:65001:',
        `  changed  ${DAEMON_JSON}`,
        '',
        `--- ${DAEMON_JSON}`,
        `+++ ${DAEMON_JSON}`,
        '@@ -1,3 +1,4 @@',
        ' {',
        '-  "a": 1',
        '+  "a": 1,',
        '+  "registry-mirrors": ["http://127.0.0.1:65001"]',
        ' }',
        'Then run: systemctl reload docker',
        '',
      ].join('\n'),
    )
    expect(await root.tree()).toEqual(before)
    await root.install('docker')
    const installed = await root.tree()
    expect(await dfdaemon('uninstall', '--dry-run', '--root', root.path)).toContain('-  "registry-mirrors"')
    expect(await root.tree()).toEqual(installed)
  })

  it('prints one object with --json', async () => {
    await using root = await createMachineRoot()
    const installed = await dfdaemon(
      'install',
      'podman',
      '--json',
      '--registry',
      'a',
      '--registry',
      'B:1',
      '--root',
      root.path,
    )
    const path = '/etc/containers/registries.conf.d/damselfly.conf'
    const mirror = 'http://127.0.0.1:65001'
    const change = { files: [{ path, change: 'created' }], notes: [], commands: [] }
    expect(JSON.parse(installed)).toEqual({ runtime: 'podman', mirror, dryRun: false, ...change })
    expect(await root.read(path)).toContain('prefix = "b:1"')
    const uninstalled = await dfdaemon('uninstall', '--json', '--root', root.path)
    const runtimes = [{ runtime: 'podman', files: [{ path, change: 'removed' }], commands: [] }]
    expect(JSON.parse(uninstalled)).toEqual({ dryRun: false, runtimes })
  })

  it.each([
    [['--listen', '0.0.0.0:7000'], 'http://127.0.0.1:7000'],
    [['--listen', '[::]:7000'], 'http://127.0.0.1:7000'],
    [['--listen', '[::1]:7000'], 'http://[::1]:7000'],
    [['--listen', '10.0.0.1:7000'], 'http://10.0.0.1:7000'],
    [['--mirror', 'http://host.example/'], 'http://host.example'],
  ])('takes the mirror from the settings of the daemon: %j', async (args, mirror) => {
    await using root = await createMachineRoot()
    await dfdaemon('install', 'docker', '--root', root.path, ...args)
    expect(JSON.parse(await root.read(DAEMON_JSON))).toEqual({ 'registry-mirrors': [mirror] })
  })

  it('takes the settings of the daemon from its file', async () => {
    await using root = await createMachineRoot({
      '/dfdaemon.yaml': 'listen: 127.0.0.1:9\nupstreams: { h.example: { url: "http://x" } }\n',
    })
    vi.stubEnv('DFDAEMON_CONFIG', join(root.path, 'dfdaemon.yaml'))
    await dfdaemon('install', 'podman', '--root', root.path)
    const text = await root.read('/etc/containers/registries.conf.d/damselfly.conf')
    expect(text).toContain('"127.0.0.1:9/docker.io"')
    expect(text).toContain('"127.0.0.1:9/h.example"')
  })

  it('writes only the certificates of the file that --ca names', async () => {
    await using root = await createMachineRoot()
    const [certificate = ''] = rootCertificates
    const file = join(root.path, 'ca.pem')
    await writeFile(file, `-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n${certificate}\n`)
    await dfdaemon('install', 'k3s', '--registry', 'a', '--ca', file, '--root', root.path)
    expect(await root.read('/etc/rancher/k3s/damselfly.crt')).toBe(`${certificate}\n`)
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    await expect(dfdaemon('install', 'docker', '--ca', file, '--root', root.path)).rejects.toThrow('cannot be read')
    await writeFile(file, 'text')
    await expect(dfdaemon('install', 'docker', '--ca', file, '--root', root.path)).rejects.toThrow(
      'no certificate in PEM',
    )
    await expect(dfdaemon('install', 'docker', '--ca', `${file}x`, '--root', root.path)).rejects.toThrow('ENOENT')
  })

  it.each([
    [['docker', '--mirror', '127.0.0.1:65001'], 'is not http://HOST:PORT without a path'],
    [['docker', '--mirror', 'http://h/path'], 'is not http://HOST:PORT without a path'],
    [['docker', '--mirror', 'http://u:p@h'], 'is not http://HOST:PORT without a path'],
    [['docker', '--listen', '127.0.0.1:0'], 'give it one, or give --mirror'],
    [['docker', '--registry', '../etc'], 'is not a registry'],
    [['docker', '--registry', '_default'], 'is not a registry'],
    [['docker', '--registry', 'a/b'], 'is not a registry'],
    [['rkt'], 'Allowed choices are docker, containerd, crio, podman, k3s'],
    [[], "missing required argument 'runtime'"],
  ])('refuses %j', async (args, problem) => {
    await using root = await createMachineRoot()
    const before = await root.tree()
    await expect(dfdaemon('install', ...args, '--root', root.path)).rejects.toThrow(problem)
    expect(await root.tree()).toEqual(before)
  })

  it('refuses a root that is none', async () => {
    await using root = await createMachineRoot()
    await expect(dfdaemon('install', 'docker', '--root', join(root.path, 'x'))).rejects.toThrow('is not a directory')
  })
})

describe('dfdaemon uninstall', () => {
  it('fails when it leaves a file as it is, after it has put back the rest', async () => {
    await using root = await createMachineRoot()
    await dfdaemon('install', 'docker', '--root', root.path)
    await dfdaemon('install', 'k3s', '--root', root.path)
    await root.write(DAEMON_JSON, '{}')
    const uninstalling = dfdaemon('uninstall', '--root', root.path)
    await expect(uninstalling).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      detail: expect.stringContaining(`${DAEMON_JSON}: changed since the install`),
    })
    expect(await root.fileSystem.read('/etc/rancher/k3s/registries.yaml')).toBeUndefined()
    await expect(dfdaemon('uninstall', '--force', '--keep', '--root', root.path)).rejects.toThrow('cannot be used with')
    expect(await dfdaemon('uninstall', '--keep', '--dry-run', '--root', root.path)).toContain(`kept  ${DAEMON_JSON}`)
    expect(await dfdaemon('uninstall', '--force', '--root', root.path)).toContain(`removed  ${DAEMON_JSON}`)
    expect(await root.tree()).toHaveLength(1)
  })

  it('says which file the system does not let it write', async () => {
    await using root = await createMachineRoot()
    await mkdir(join(root.path, DAEMON_JSON), { recursive: true })
    await expect(dfdaemon('install', 'docker', '--root', root.path)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      detail: expect.stringContaining(DAEMON_JSON),
    })
  })
})
