import { chmod, chown, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { INSTALL_CASES } from './cases.ts'
import { createMachineRoot, MIRROR } from './fixture.ts'

const DAEMON_JSON = '/etc/docker/daemon.json'
const OWN_CONF = '/etc/containers/registries.conf.d/damselfly.conf'

describe.each(INSTALL_CASES)('install and uninstall of $name', ({ runtime, files, request }) => {
  it('change files, change nothing the second time, and leave the machine as it was', async () => {
    await using root = await createMachineRoot(files)
    const before = await root.tree()
    const first = await root.install(runtime, request)
    expect(first.files.some(({ change }) => change !== 'unchanged')).toBe(true)
    const installed = await root.tree()
    expect(installed).not.toEqual(before)

    const second = await root.install(runtime, request)
    expect(second.files.map(({ change }) => change)).toEqual(first.files.map(() => 'unchanged'))
    expect(second.commands).toEqual([])
    expect(await root.tree()).toEqual(installed)

    await root.uninstall(runtime)
    expect(await root.tree()).toEqual(before)
    expect(await root.uninstall(runtime)).toEqual({ wasInstalled: false, files: [], commands: [] })
  })
})

describe('install', () => {
  it('keeps mode and owner of what is there, and makes readable files where there is nothing', async () => {
    await using root = await createMachineRoot()
    await root.write(DAEMON_JSON, '{}', 0o640)
    const isRoot = process.geteuid?.() === 0
    if (isRoot) await chown(join(root.path, DAEMON_JSON), 12, 34)
    const before = await root.tree()
    await root.install('docker')
    await root.install('k3s')
    const file = await root.fileSystem.read(DAEMON_JSON)
    expect(file).toMatchObject({ mode: 0o640, ...(isRoot ? { uid: 12, gid: 34 } : {}) })
    expect(await root.fileSystem.read('/etc/rancher/k3s/registries.yaml')).toMatchObject({ mode: 0o644 })
    expect(await root.fileSystem.read('/var/lib/damselfly/install/docker.json')).toMatchObject({ mode: 0o600 })
    await root.uninstall('docker')
    await root.uninstall('k3s')
    expect(await root.tree()).toEqual(before)
  })

  it.each([
    ['docker', DAEMON_JSON, '{\n  "a": 1,\n}', `${DAEMON_JSON} line 3`],
    ['k3s', '/etc/rancher/k3s/registries.yaml', 'mirrors:\n  a: b: c\n', 'registries.yaml line 2'],
    ['containerd', '/etc/containerd/certs.d/_default/hosts.toml', 'server = "x\n', 'hosts.toml line 1'],
    ['podman', OWN_CONF, '[[registry]\n', 'damselfly.conf line 1'],
  ] as const)('of %s writes nothing when %s is malformed', async (runtime, path, content, place) => {
    await using root = await createMachineRoot()
    await root.write(path, content)
    const before = await root.tree()
    await expect(root.install(runtime)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringContaining(place),
    })
    expect(await root.tree()).toEqual(before)
  })

  it('refuses a file that is not UTF-8, which it could not write back', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '' })
    await writeFile(join(root.path, DAEMON_JSON), Uint8Array.of(0x7b, 0xff, 0x7d))
    const before = await root.tree()
    await expect(root.install('docker')).rejects.toThrow(`${DAEMON_JSON} is not UTF-8`)
    expect(await root.tree()).toEqual(before)
  })

  it('refuses another mirror until the first is uninstalled', async () => {
    await using root = await createMachineRoot()
    await root.install('docker')
    const again = root.install('docker', { mirror: 'http://127.0.0.1:1' })
    await expect(again).rejects.toThrow(`installed for ${MIRROR} already; run "dfdaemon uninstall docker" first`)
  })

  it('adds registries to those of an earlier install', async () => {
    await using root = await createMachineRoot({ '/etc/hostname': 'x' })
    const before = await root.tree()
    await root.install('podman', { registries: ['a.example'] })
    await root.install('podman', { registries: ['b.example'] })
    const text = await root.read(OWN_CONF)
    expect(text).toContain('"127.0.0.1:65001/a.example"')
    expect(text).toContain('"127.0.0.1:65001/b.example"')
    await root.uninstall('podman')
    expect(await root.tree()).toEqual(before)
  })

  it('leaves what was set up by hand, also at the uninstall', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: `{"registry-mirrors":["${MIRROR}"]}` })
    const before = await root.tree()
    const { files, commands } = await root.install('docker')
    expect(files.map(({ change }) => change)).toEqual(['unchanged'])
    expect(commands).toEqual([])
    expect(await root.tree()).toEqual(before)
    expect((await root.uninstall('docker')).wasInstalled).toBe(false)
  })

  it('follows a symbolic link below the root and writes the file that it leads to', async () => {
    await using root = await createMachineRoot({ '/data/daemon.json': '{}' })
    await mkdir(join(root.path, 'etc/docker'), { recursive: true })
    await symlink('../../data/daemon.json', join(root.path, DAEMON_JSON))
    const before = await root.tree()
    const { files } = await root.install('docker')
    expect(files.map(({ path }) => path)).toEqual(['/data/daemon.json'])
    expect(await root.read('/data/daemon.json')).toContain(MIRROR)
    await root.uninstall('docker')
    expect(await root.tree()).toEqual(before)
  })

  it.each(['file', 'directory', 'nowhere'] as const)('refuses a symbolic link that leaves the root: %s', async kind => {
    await using root = await createMachineRoot()
    await using outside = await createMachineRoot({ '/docker/daemon.json': '{}' })
    await mkdir(join(root.path, 'etc'))
    if (kind === 'directory') await symlink(join(outside.path, 'docker'), join(root.path, 'etc/docker'))
    else {
      await mkdir(join(root.path, 'etc/docker'))
      const target = kind === 'file' ? 'docker/daemon.json' : 'missing'
      await symlink(join(outside.path, target), join(root.path, DAEMON_JSON))
    }
    const before = [await root.tree(), await outside.tree()]
    await expect(root.install('docker')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringMatching(kind === 'nowhere' ? /leads nowhere/ : /outside of --root/),
    })
    expect([await root.tree(), await outside.tree()]).toEqual(before)
  })

  it('refuses a journal that it does not understand', async () => {
    await using root = await createMachineRoot({ '/var/lib/damselfly/install/k3s.json': '{"version":2}' })
    const before = await root.tree()
    await expect(root.install('docker')).rejects.toThrow('k3s.json is not a journal')
    await expect(root.uninstall('k3s')).rejects.toThrow('k3s.json is not a journal')
    expect(await root.tree()).toEqual(before)
  })
})

describe('uninstall', () => {
  it('leaves a file that somebody has changed, puts back the others, and finishes with force', async () => {
    const files = { '/etc/containerd/certs.d/b.example/hosts.toml': 'server = "https://b.example"\n' }
    await using root = await createMachineRoot(files)
    const before = await root.tree()
    const request = { registries: ['a.example', 'b.example'] }
    await root.install('containerd', request)
    const changed = '/etc/containerd/certs.d/b.example/hosts.toml'
    await root.write(changed, `${await root.read(changed)}# by somebody\n`)

    const report = await root.uninstall('containerd')
    expect(report.files.map(({ change }) => change)).toEqual(['refused', 'removed'])
    expect(await root.read(changed)).toContain('# by somebody')
    expect(await readdir(join(root.path, 'etc/containerd/certs.d'))).toEqual(['b.example'])

    const dryRun = await root.uninstall('containerd', { onChanged: 'restore', dryRun: true })
    expect(dryRun.files.map(({ change }) => change)).toEqual(['restored'])
    expect(await root.read(changed)).toContain('# by somebody')
    await root.uninstall('containerd', { onChanged: 'restore' })
    expect(await root.tree()).toEqual(before)
  })

  it('forgets a file that somebody has changed when it is told to keep it', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '{}' })
    await root.install('docker')
    await root.write(DAEMON_JSON, '{"theirs":1}')
    const before = (await root.tree()).filter(line => !line.startsWith('var'))
    expect((await root.uninstall('docker', { onChanged: 'keep' })).files.map(({ change }) => change)).toEqual(['kept'])
    expect(await root.tree()).toEqual(before)
  })

  it('does not bring back a file that somebody has removed, unless forced', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '{"a":1}' })
    const before = await root.tree()
    await root.install('docker')
    await rm(join(root.path, 'etc/docker'), { recursive: true })
    expect((await root.uninstall('docker')).files.map(({ change }) => change)).toEqual(['refused'])
    await root.uninstall('docker', { onChanged: 'restore' })
    expect(await root.tree()).toEqual(before)
  })

  it('takes a file for its own that somebody rewrote before a second install', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '{"a":1}' })
    await root.install('docker')
    await root.write(DAEMON_JSON, '{"b":2}')
    const report = await root.install('docker')
    expect(report.notes).toEqual([
      `${DAEMON_JSON} was changed since the last install; an uninstall brings back what it has now.`,
    ])
    await root.uninstall('docker')
    expect(await root.read(DAEMON_JSON)).toBe('{"b":2}')
  })

  it('keeps directories in which somebody has put something', async () => {
    await using root = await createMachineRoot()
    await root.install('k3s')
    await root.write('/etc/rancher/k3s/config.yaml', 'x')
    await root.uninstall('k3s')
    const files = (await root.tree()).filter(line => !line.endsWith('directory'))
    expect(files).toEqual([expect.stringMatching(/^etc\/rancher\/k3s\/config.yaml /)])
  })

  it('brings back mode and owner', async () => {
    await using root = await createMachineRoot({ [DAEMON_JSON]: '{}' })
    const before = await root.tree()
    await root.install('docker')
    await chmod(join(root.path, DAEMON_JSON), 0o600)
    await root.uninstall('docker')
    expect(await root.tree()).toEqual(before)
  })

  it.each([
    ['podman', 'crio'],
    ['crio', 'podman'],
  ] as const)(
    'of the first of two runtimes that share a file keeps it for the other: %s, %s',
    async (first, second) => {
      await using root = await createMachineRoot({ [OWN_CONF]: '[[registry]]\nlocation = "quay.io"\n' })
      const before = await root.tree()
      await root.install('podman', { registries: ['a.example'] })
      await root.install('crio', { registries: ['a.example', 'b.example'] })
      const kept = await root.uninstall(first)
      expect(kept.files.map(({ change }) => change)).toEqual(['kept'])
      expect(await root.read(OWN_CONF)).toContain('b.example')
      await root.uninstall(second)
      expect(await root.tree()).toEqual(before)
    },
  )

  it('in any order leaves no directory of all runtimes behind', async () => {
    const runtimes = ['docker', 'containerd', 'k3s', 'podman', 'crio'] as const
    for (const order of [runtimes, runtimes.toReversed()]) {
      await using root = await createMachineRoot()
      const before = await root.tree()
      for (const runtime of runtimes) await root.install(runtime)
      for (const runtime of order) await root.uninstall(runtime)
      expect(await root.tree()).toEqual(before)
    }
  })
})
