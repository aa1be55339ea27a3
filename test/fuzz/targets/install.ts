import assert from 'node:assert/strict'
import { Value } from 'typebox/value'
import { dockerSocket } from '../../../dfdaemon/node/doctor/probes/docker-mirrors.ts'
import { readContainerdConfig, withConfigPath } from '../../../dfdaemon/node/install/formats/containerd-config.ts'
import { withFirstInList } from '../../../dfdaemon/node/install/formats/daemon-json.ts'
import { withCertificates, withMirrorHost } from '../../../dfdaemon/node/install/formats/hosts-toml.ts'
import {
  plainRegistry,
  registryBlocks,
  withBlock,
  withFirstMirror,
} from '../../../dfdaemon/node/install/formats/registries-conf.ts'
import { k3sMirrorNames, withK3sRegistries } from '../../../dfdaemon/node/install/formats/registries-yaml.ts'
import { Journal, originalOf } from '../../../dfdaemon/node/install/journal.ts'
import { asUtf8, refusing } from '../engine/expected.ts'
import { jsonBytes, mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const MIRROR = 'http://127.0.0.1:65001'
const INVALID = ['CONFIG_INVALID'] as const
const TOML_PIECES = [
  '[',
  ']',
  '[[',
  ']]',
  '"""',
  "'''",
  '"',
  "'",
  '#',
  '\n',
  '\\',
  '=',
  '.',
  '{',
  '}',
  ',',
  '\r\n',
  '\uFEFF',
  '\t',
]

function text(value: string): Uint8Array {
  return Buffer.from(value)
}

const hostsToml = pureTarget(
  {
    name: 'hosts-toml',
    about: "containerd's hosts.toml, as dfdaemon install edits it",
    maxBytes: 8192,
    dictionary: [
      ...TOML_PIECES,
      '[host."',
      'server = ',
      'ca = [',
      'client = [[',
      'capabilities = ["pull"]',
      `"${MIRROR}"`,
    ],
    seeds: () => [
      text(
        'server = "https://registry-1.docker.io"\n\n# a mirror\n[host."https://m.example"]\n  capabilities = ["pull"]\n',
      ),
    ],
  },
  input => {
    const before = asUtf8(input)
    const once = refusing(INVALID, () => withMirrorHost(before, MIRROR, 'hosts.toml'))
    if (once === undefined) return
    assert.equal(withMirrorHost(once, MIRROR, 'hosts.toml'), once)
    const certificates = { ca: ['/ca.crt'], client: [['/c.cert', '/c.key']] as const }
    const more = refusing(INVALID, () => withCertificates(once, certificates, 'hosts.toml'))
    if (more !== undefined) assert.equal(withCertificates(more, certificates, 'hosts.toml'), more)
  },
)

const containerdConfig = pureTarget(
  {
    name: 'containerd-config',
    about: "containerd's config.toml, as dfdaemon install edits it",
    maxBytes: 8192,
    dictionary: [
      ...TOML_PIECES,
      'version = 2',
      'version = 3',
      "[plugins.'io.containerd.cri.v1.images'.registry]",
      'config_path = ',
      '.mirrors',
      '.configs',
      '.tls',
    ],
    seeds: () => [
      text('version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = ""\n'),
      text("version = 3\n[plugins.'io.containerd.cri.v1.images'.registry.mirrors.'docker.io']\nendpoint = ['x']\n"),
    ],
  },
  input => {
    const before = asUtf8(input)
    refusing(INVALID, () => readContainerdConfig(before, 'config.toml'))
    const once = refusing(INVALID, () => withConfigPath(before, '/etc/certs.d', 'config.toml'))
    if (once === undefined) return
    assert.equal(readContainerdConfig(once, 'config.toml').configPath, '/etc/certs.d')
  },
)

const registriesConf = pureTarget(
  {
    name: 'registries-conf',
    about: 'registries.conf of podman and CRI-O, as dfdaemon install edits it',
    maxBytes: 8192,
    dictionary: [
      ...TOML_PIECES,
      '[[registry]]',
      '[[registry.mirror]]',
      'location = ',
      'prefix = ',
      'insecure = true',
      '"docker.io"',
    ],
    seeds: () => [
      text(
        'unqualified-search-registries = ["docker.io"]\n[[registry]]\nprefix = "docker.io"\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "m.example"\n',
      ),
    ],
  },
  input => {
    const before = asUtf8(input)
    const blocks = refusing(INVALID, () => registryBlocks(before, 'registries.conf'))
    if (blocks === undefined) return
    const found = blocks.find(({ prefix }) => prefix === 'docker.io')
    const block = found?.text ?? plainRegistry('docker.io')
    const once = refusing(INVALID, () => withFirstMirror(block, '127.0.0.1:65001', true, 'registries.conf'))
    if (once === undefined) return
    assert.equal(withFirstMirror(once, '127.0.0.1:65001', true, 'registries.conf'), once)
    refusing(INVALID, () => registryBlocks(withBlock(before, found, once), 'registries.conf'))
  },
)

const daemonJson = pureTarget(
  {
    name: 'daemon-json',
    about: "dockerd's daemon.json, as dfdaemon install edits it and doctor reads it",
    maxBytes: 8192,
    dictionary: [
      '"registry-mirrors":',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\"',
      '\\u0000',
      'null',
      `"${MIRROR}"`,
      '"unix://',
      '\n',
    ],
    seeds: () => [
      text(
        '{\n  "log-driver": "journald",\n  "registry-mirrors": ["https://hub.example"],\n  "hosts": ["unix:///run/x"]\n}\n',
      ),
    ],
    mutate: mutateJson,
  },
  input => {
    const before = asUtf8(input)
    dockerSocket(before)
    const once = refusing(INVALID, () => withFirstInList(before, 'registry-mirrors', MIRROR, 'daemon.json'))
    if (once === undefined) return
    const list = (JSON.parse(once) as Record<string, string[]>)['registry-mirrors']
    assert(list?.some(url => url.replace(/\/+$/, '') === MIRROR))
    assert.equal(withFirstInList(once, 'registry-mirrors', MIRROR, 'daemon.json'), once)
  },
)

const K3S = { mirror: MIRROR, registries: ['docker.io', '*'], caFile: '/ca.crt' }

const registriesYaml = pureTarget(
  {
    name: 'registries-yaml',
    about: "k3s' registries.yaml, as dfdaemon install edits it",
    maxBytes: 4096,
    dictionary: [
      'mirrors:',
      'configs:',
      'endpoint:',
      'tls:',
      'ca_file:',
      '"*":',
      '&a',
      '*a',
      '<<:',
      '- ',
      '? ',
      '!!',
      '|',
      '>',
      '{',
      '[',
      '---',
      '...',
      '\n  ',
      '%YAML',
    ],
    seeds: () => [
      text(
        '# mine\nmirrors:\n  docker.io: &a\n    endpoint:\n      - "https://m.example"\n  "*":\n    endpoint: []\nconfigs: {}\n',
      ),
    ],
  },
  input => {
    const before = asUtf8(input)
    refusing(INVALID, () => k3sMirrorNames(before, 'registries.yaml'))
    const once = refusing(INVALID, () => withK3sRegistries(before, K3S, 'registries.yaml'))
    if (once !== undefined) assert.equal(withK3sRegistries(once, K3S, 'registries.yaml'), once)
  },
)

const ENTRY = {
  path: '/etc/docker/daemon.json',
  original: { base64: 'e30=', mode: 420, uid: 0, gid: 0 },
  written: ['00'],
}

const journal = pureTarget(
  {
    name: 'install-journal',
    about: 'what dfdaemon install noted, as uninstall reads it',
    maxBytes: 8192,
    seeds: () => [
      jsonBytes({ version: 1, mirror: MIRROR, entries: [ENTRY], directories: ['/etc/x'], commands: ['systemctl'] }),
    ],
    mutate: mutateJson,
  },
  input => {
    let content: unknown
    try {
      content = JSON.parse(asUtf8(input))
    } catch {
      return
    }
    if (Value.Check(Journal, content)) for (const entry of content.entries) originalOf(entry)
  },
)

/** Files of container runtimes that an operator has written. */
export const INSTALL_TARGETS: readonly FuzzTarget[] = [
  hostsToml,
  containerdConfig,
  registriesConf,
  daemonJson,
  registriesYaml,
  journal,
]
