import { describe, expect, it } from 'vitest'
import type { PlanRequest, RuntimeName } from '../../../../dfdaemon/node/install/plan.ts'
import { PLANNERS } from '../../../../dfdaemon/node/install/runtimes/planners.ts'
import { filesOf, MIRROR, request } from './fixture.ts'

const CERTS = '/etc/containerd/certs.d'
const CONFIG_TOML = '/etc/containerd/config.toml'
const CONFIGURED = {
  [CONFIG_TOML]: `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "${CERTS}"\n`,
}
const HOST = `[host."${MIRROR}"]\n  capabilities = ["pull", "resolve"]\n`

async function plan(runtime: RuntimeName, files: Record<string, string>, changes: Partial<PlanRequest> = {}) {
  const { files: wanted, ...rest } = await PLANNERS[runtime](filesOf(files), request(changes))
  return { ...rest, files: Object.fromEntries(wanted.map(({ path, text }) => [path, text])) }
}

describe('docker', () => {
  it('gets a mirror for Docker Hub', async () => {
    expect(await plan('docker', {})).toEqual({
      files: { '/etc/docker/daemon.json': `{\n  "registry-mirrors": [\n    "${MIRROR}"\n  ]\n}\n` },
      notes: [],
      commands: ['systemctl reload docker'],
    })
  })

  it('gets host directories for other registries, which name the certificates that are there', async () => {
    const directory = '/etc/docker/certs.d/h:5000'
    const existing = {
      [`${directory}/ca.crt`]: '',
      [`${directory}/c.cert`]: '',
      [`${directory}/c.key`]: '',
      [`${directory}/x.cert`]: '',
    }
    const { files, notes, commands } = await plan('docker', existing, { registries: ['h:5000'] })
    expect(files).toEqual({
      [`${directory}/hosts.toml`]: `ca = ["ca.crt"]\n\nclient = [["c.cert","c.key"]]\n\n${HOST}`,
    })
    expect(notes).toEqual([expect.stringContaining('from Docker 28 on')])
    expect(commands).toEqual([])
  })

  it.each([
    ['/usr/local/share/ca-certificates', 'update-ca-certificates'],
    ['/etc/pki/ca-trust/source/anchors', 'update-ca-trust'],
  ])('gets the certificate for Docker Hub where the system keeps them: %s', async (directory, command) => {
    const { files, commands, notes } = await plan('docker', { [`${directory}/a`]: '' }, { caPem: 'PEM' })
    expect(files).toMatchObject({ [`${directory}/damselfly.crt`]: 'PEM' })
    expect(commands).toEqual([command, 'systemctl restart docker'])
    expect(notes).toEqual([expect.stringContaining(`HTTPS_PROXY=${MIRROR}`)])
  })

  it('gets no certificate where nobody would read it', async () => {
    await expect(plan('docker', {}, { caPem: 'PEM' })).rejects.toThrow(
      'there is neither /usr/local/share/ca-certificates nor',
    )
  })
})

describe('containerd', () => {
  it('gets one file for all registries, and needs no restart when it looks there', async () => {
    expect(await plan('containerd', CONFIGURED)).toEqual({
      files: { [`${CERTS}/_default/hosts.toml`]: HOST },
      notes: [],
      commands: [],
    })
  })

  it.each([
    ['version = 2\n', '    [plugins."io.containerd.grpc.v1.cri".registry]\n      config_path'],
    ['version = 3\n', '    [plugins."io.containerd.cri.v1.images".registry]\n      config_path'],
    [undefined, '    version = 2\n    [plugins."io.containerd.grpc.v1.cri".registry]\n      config_path'],
    ['', 'is of version 1'],
    ['version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."a"]\n', 'old mirror settings (lines 2)'],
  ])('is told what its configuration lacks: %j', async (text, advice) => {
    const { notes, files } = await plan('containerd', text === undefined ? {} : { [CONFIG_TOML]: text })
    expect(notes).toEqual([expect.stringContaining(advice)])
    expect(Object.keys(files)).toEqual([`${CERTS}/_default/hosts.toml`])
  })

  it('gets its configuration changed only when asked', async () => {
    const { files, notes, commands } = await plan('containerd', {}, { editContainerdConfig: true })
    expect(files[CONFIG_TOML]).toContain(
      `version = 2\n\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "${CERTS}"`,
    )
    expect(notes).toEqual([])
    expect(commands).toEqual(['systemctl restart containerd'])
  })

  it('is configured where it looks, the first of several directories', async () => {
    const text = CONFIGURED[CONFIG_TOML]?.replace(CERTS, '/a/:/b') ?? ''
    const { files, notes } = await plan('containerd', { [CONFIG_TOML]: text }, { registries: ['ghcr.io'] })
    expect(Object.keys(files)).toEqual(['/a/ghcr.io/hosts.toml'])
    expect(notes).toEqual([expect.stringContaining('several directories')])
    const relative = text.replace('/a/', 'a')
    await expect(plan('containerd', { [CONFIG_TOML]: relative })).rejects.toThrow('"a" is not an absolute path')
  })

  it('uses the spelling of a directory that it prefers, and tells which registries bypass the default', async () => {
    const existing = { ...CONFIGURED, [`${CERTS}/h_5000_/hosts.toml`]: 'server = "https://h"\n' }
    const { files } = await plan('containerd', existing, { registries: ['h:5000', 'g:1'] })
    expect(Object.keys(files)).toEqual([`${CERTS}/h_5000_/hosts.toml`, `${CERTS}/g:1/hosts.toml`])
    const { notes } = await plan('containerd', existing)
    expect(notes).toEqual([expect.stringContaining('add the mirror there with --registry h:5000')])
  })

  it('trusts the certificate, which it finds beside the file', async () => {
    const { files } = await plan('containerd', CONFIGURED, { caPem: 'PEM', registries: ['a'] })
    expect(files).toEqual({
      [`${CERTS}/a/damselfly.crt`]: 'PEM',
      [`${CERTS}/a/hosts.toml`]: `ca = ["damselfly.crt"]\n\n${HOST}`,
    })
  })
})

describe('podman and CRI-O', () => {
  const DROP_INS = '/etc/containers/registries.conf.d'
  const OWN = `${DROP_INS}/damselfly.conf`
  const mirror = (registry: string) =>
    `[[registry.mirror]]\nlocation = "127.0.0.1:65001/${registry.replace(':', '_')}"\ninsecure = true\n`
  const block = (registry: string) =>
    `[[registry]]\nprefix = "${registry}"\nlocation = "${registry}"\n${mirror(registry)}`

  it.each([
    ['podman', []],
    ['crio', ['systemctl reload crio']],
  ] as const)('get a block for Docker Hub and each registry that the dfdaemon knows: %s', async (runtime, commands) => {
    expect(await plan(runtime, {}, { knownRegistries: ['h:5000', 'docker.io'] })).toEqual({
      files: { [OWN]: `${block('docker.io')}\n${block('h:5000')}` },
      notes: [],
      commands,
    })
  })

  it('keep what other files say of a registry, which our file replaces as a whole', async () => {
    const existing = {
      '/etc/containers/registries.conf': '[[registry]]\nlocation = "a"\nblocked = true\n',
      [`${DROP_INS}/10.conf`]: '[[registry]]\nlocation = "a"\n[[registry.mirror]]\nlocation = "old"\n',
      [`${DROP_INS}/zz.conf`]: '[[registry]]\nprefix = "a"\nlocation = "b"\n[[registry]]\nlocation = "a/x"\n',
      [`${DROP_INS}/ignored.txt`]: 'not TOML [',
    }
    const { files, notes } = await plan('podman', existing, { registries: ['a'] })
    expect(files).toEqual({
      [OWN]: `[[registry]]\nlocation = "a"\n${mirror('a')}[[registry.mirror]]\nlocation = "old"\n`,
    })
    expect(notes).toEqual([
      `${DROP_INS}/zz.conf has a too and is read later, so that it counts.`,
      `${DROP_INS}/zz.conf has rules for a/x, which do not use the mirror.`,
    ])
  })

  it('keep what our own file has', async () => {
    const own = `# by hand\n[[registry]]\nlocation = "a"\n\n[[registry]]\nlocation = "b"`
    const { files } = await plan('podman', { [OWN]: own }, { registries: ['a'] })
    expect(files[OWN]).toBe(`# by hand\n[[registry]]\nlocation = "a"\n${mirror('a')}\n[[registry]]\nlocation = "b"`)
  })

  it('trust an https mirror only with its certificate', async () => {
    const { files } = await plan('podman', {}, { mirror: 'https://m.example', registries: ['a'], caPem: 'PEM' })
    expect(files[OWN]).not.toContain('insecure')
    expect(files['/etc/containers/certs.d/a/damselfly.crt']).toBe('PEM')
  })
})

describe('k3s', () => {
  const PATH = '/etc/rancher/k3s/registries.yaml'

  it('gets a mirror for all registries and is told which have their own', async () => {
    const { files, notes, commands } = await plan('k3s', { [PATH]: 'mirrors:\n  docker.io: {}\n' })
    expect(files[PATH]).toBe(`mirrors:\n  docker.io: {}\n  "*":\n    endpoint:\n      - ${MIRROR}\n`)
    expect(notes).toEqual([expect.stringContaining('with --registry docker.io')])
    expect(commands).toEqual([expect.stringContaining('systemctl restart k3s')])
  })

  it('gets a certificate only for registries that are named', async () => {
    await expect(plan('k3s', {}, { caPem: 'PEM' })).rejects.toThrow('name them with --registry')
    const { files } = await plan('k3s', {}, { caPem: 'PEM', registries: ['a'] })
    expect(files[PATH]).toContain('ca_file: /etc/rancher/k3s/damselfly.crt')
    expect(files['/etc/rancher/k3s/damselfly.crt']).toBe('PEM')
  })
})
