import { describe, expect, test } from 'vitest'
import { wiringOf } from '../../../../dfdaemon/node/doctor/wiring.ts'
import { createConfigFiles } from '../../../../dfdaemon/node/install/config-files.ts'
import type { RuntimeName } from '../../../../dfdaemon/node/install/plan.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { INSTALL_CASES } from '../install/cases.ts'
import { createMachineRoot, filesOf, MIRROR, request } from '../install/fixture.ts'

const CONFIG_TOML = '/etc/containerd/config.toml'
const WITH_PATH =
  'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n'
const DOCKER_IO = '/etc/containerd/certs.d/docker.io/hosts.toml'
const hostsToml = (mirror: string) =>
  `server = "https://registry-1.docker.io"\n[host."${mirror}"]\n  capabilities = ["pull", "resolve"]\n`

function wiring(
  runtime: RuntimeName,
  files: Record<string, string>,
  changes: Parameters<typeof request>[0] = {},
  installed?: string,
) {
  return wiringOf(runtime, filesOf(files), request(changes), installed)
}

describe.each(INSTALL_CASES)('$name', ({ runtime, files, request: changes }) => {
  test('is not wired before an install, and is after it', async () => {
    await using root = await createMachineRoot(files)
    if (changes?.caPem !== undefined && runtime === 'docker') await root.write('/usr/local/share/ca-certificates/x', '')
    const look = () => wiringOf(runtime, createConfigFiles(root.fileSystem), request(changes), undefined)
    expect((await look()).state).not.toBe('wired')
    await root.install(runtime, { ...changes, editContainerdConfig: true })
    expect(await look()).toMatchObject({ state: 'wired', registries: undefined })
  })
})

describe('containerd', () => {
  test('hosts.toml without config_path is not read', async () => {
    expect(await wiring('containerd', { [DOCKER_IO]: hostsToml(MIRROR) })).toEqual({ state: 'unread' })
    const files = { [DOCKER_IO]: hostsToml(MIRROR), [CONFIG_TOML]: 'version = 2\n' }
    expect(await wiring('containerd', files)).toEqual({ state: 'unread' })
  })

  test('a single registry that is written by hand counts', async () => {
    const files = { [CONFIG_TOML]: WITH_PATH, [DOCKER_IO]: hostsToml(MIRROR) }
    expect(await wiring('containerd', files)).toEqual({ state: 'wired', registries: ['docker.io'], without: [] })
    expect(await wiring('containerd', files, { registries: ['ghcr.io'] })).toEqual({ state: 'none' })
  })

  test('a registry with files of its own is told from all others', async () => {
    const files = {
      [CONFIG_TOML]: WITH_PATH,
      '/etc/containerd/certs.d/_default/hosts.toml': `[host."${MIRROR}"]\n  capabilities = ["pull", "resolve"]\n`,
      '/etc/containerd/certs.d/h.example_5000_/hosts.toml': 'server = "https://h.example:5000"\n',
    }
    expect(await wiring('containerd', files)).toEqual({
      state: 'wired',
      registries: undefined,
      without: ['h.example:5000'],
    })
  })

  test('one that points at another port of this machine is told as such', async () => {
    const files = { [CONFIG_TOML]: WITH_PATH, [DOCKER_IO]: hostsToml('http://127.0.0.1:65002') }
    expect(await wiring('containerd', files)).toEqual({ state: 'elsewhere', mirror: 'http://127.0.0.1:65002' })
  })

  test('what install refuses is broken, with file and line', async () => {
    const files = { [CONFIG_TOML]: 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n' }
    expect(await wiring('containerd', files)).toMatchObject({
      state: 'broken',
      problem: expect.stringContaining(`${CONFIG_TOML} line 2`),
    })
    expect(await wiring('containerd', { [CONFIG_TOML]: 'version = ' })).toMatchObject({ state: 'broken' })
  })
})

test('an install for another dfdaemon is known by its journal', async () => {
  expect(await wiring('docker', {}, {}, 'http://10.0.0.1:65001')).toEqual({
    state: 'elsewhere',
    mirror: 'http://10.0.0.1:65001',
  })
  expect(await wiring('docker', {}, {}, MIRROR)).toEqual({ state: 'none' })
})

test('another registry of podman without the mirror is named', async () => {
  await using root = await createMachineRoot({
    '/etc/containers/registries.conf': '[[registry]]\nlocation = "ghcr.io"\n',
  })
  await root.install('podman')
  const files = createConfigFiles(root.fileSystem)
  expect(await wiringOf('podman', files, request(), undefined)).toEqual({
    state: 'wired',
    registries: undefined,
    without: ['ghcr.io'],
  })
})

test('files that may not be read are told as such', async () => {
  const refuse = async () => {
    throw new DamselflyError('OUTPUT_FAILED', '/etc/docker/daemon.json: permission denied; run this as root')
  }
  expect(await wiringOf('docker', { text: refuse, list: async () => [] }, request(), undefined)).toEqual({
    state: 'closed',
    problem: '/etc/docker/daemon.json: permission denied; run this as root',
  })
})
