import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TObject } from 'typebox'
import { DfdaemonConfig } from '../../../dfdaemon/config.ts'
import { decodeNameConstraints, encodeNameConstraints } from '../../../dfdaemon/intercept/name-constraints.ts'
import { DfgetConfig } from '../../../dfget/config.ts'
import { loadConfig } from '../../../lib/config/load-config.ts'
import { parseDockerConfig } from '../../../lib/origin/credentials/docker-config.ts'
import { parseProfiles } from '../../../lib/origin/s3/s3-profiles.ts'
import { SupernodeConfig } from '../../../supernode/config.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { readRecording } from '../../simulation/replay/recording.ts'
import { asUtf8, refusing } from '../engine/expected.ts'
import { jsonBytes, mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const YAML = [
  ': ',
  '- ',
  '\n',
  '\n  ',
  '&a',
  '*a',
  '<<: *a',
  '!!binary ',
  '? ',
  '{',
  '}',
  '[',
  ']',
  '|',
  '>',
  '"',
  "'",
  '#',
  '---',
  '...',
  '%TAG',
  '~',
  '0x10',
  '1e9',
  '256MiB',
  '__proto__',
  'true',
]

function configTarget(
  name: string,
  program: string,
  schema: TObject,
  seed: string,
  keys: readonly string[],
): FuzzTarget {
  return {
    name,
    about: `the YAML configuration of ${program}`,
    maxBytes: 2048,
    dictionary: [...YAML, ...keys],
    seeds: () => [Buffer.from(seed)],
    async open() {
      const scratch = await createScratchDirectory('/dev/shm')
      const file = join(scratch.path, 'config.yaml')
      return {
        run(input) {
          writeFileSync(file, input)
          refusing(['CONFIG_INVALID'], () => loadConfig(program, schema, { file, environment: {} }))
        },
        close: () => scratch[Symbol.asyncDispose](),
      }
    },
  }
}

const AUTH = Buffer.from('user:password').toString('base64')

const dockerConfig = pureTarget(
  {
    name: 'docker-config',
    about: "docker's config.json",
    maxBytes: 8192,
    dictionary: [
      '"auths":',
      '"auth":',
      '"credHelpers":',
      '"credsStore":',
      '"identitytoken":',
      '"username":',
      '"password":',
      `"${AUTH}"`,
      '{}',
      '"__proto__":',
    ],
    seeds: () => [
      jsonBytes({
        auths: { 'https://index.docker.io/v1/': { auth: AUTH }, 'ghcr.io': { username: 'a', password: 'b' } },
      }),
      jsonBytes({
        auths: { 'quay.io': { identitytoken: 't' } },
        credHelpers: { 'gcr.io': 'gcloud' },
        credsStore: 'pass',
      }),
    ],
    mutate: mutateJson,
  },
  input => void refusing(['CONFIG_INVALID'], () => parseDockerConfig(asUtf8(input))),
)

const profiles = pureTarget(
  {
    name: 's3-profiles',
    about: "the shared credentials file of Amazon's tools",
    maxBytes: 16_384,
    dictionary: ['[', ']', 'aws_access_key_id', ' = ', '#', ';', '\r\n', '\n', '  ', '\uFEFF'],
    seeds: () => [
      Buffer.from(
        '[default]\naws_access_key_id = AKIA\naws_secret_access_key=s # comment\n\n[ other ]\ns3 =\n  x = 1\n',
      ),
    ],
  },
  input => void parseProfiles(asUtf8(input)),
)

const EVENTS = [
  { atMs: 0, event: { type: 'task-added', task: 'sha256:aa', blockSizeBytes: 1024 } },
  { atMs: 1, event: { type: 'peer-connected', peer: 'a', labels: { zone: 'z' } } },
  { atMs: 2, event: { type: 'join', peer: 'a', task: 'sha256:aa', have: 0, wants: true, now: 2 } },
  { atMs: 2, event: { type: 'join', peer: 'b', task: 'sha256:aa', have: 0, wants: true, now: 2 } },
  { atMs: 3, event: { type: 'blocks-ready', task: 'sha256:aa', upTo: 3, now: 3 } },
  { atMs: 4, event: { type: 'have', peer: 'a', task: 'sha256:aa', blocks: [0, 1, 2], now: 4 } },
]

const eventLog = pureTarget(
  {
    name: 'event-log',
    about: "a supernode's event log, as the simulator reads it",
    maxBytes: 8192,
    dictionary: EVENTS.map(event => `${JSON.stringify(event)}\n`),
    seeds: () => [Buffer.from(EVENTS.map(event => `${JSON.stringify(event)}\n`).join(''))],
    mutate: (random, input) => {
      const lines = asUtf8(input).split('\n')
      const at = random.value % lines.length
      const line = mutateJson(random, Buffer.from(lines[at] ?? ''))
      return line === undefined ? undefined : Buffer.from(lines.with(at, asUtf8(line)).join('\n'))
    },
  },
  input => void refusing(['CONFIG_INVALID'], () => readRecording(asUtf8(input))),
)

const nameConstraints = pureTarget(
  {
    name: 'name-constraints',
    about: "name constraints in a certificate authority's certificate, in DER",
    maxBytes: 2048,
    dictionary: ['3000', 'a000', 'a100', '8200', '8708', '8720', '8181', '820100', '80'].map(hex =>
      Buffer.from(hex, 'hex'),
    ),
    seeds: () => [encodeNameConstraints(['r.example', '10.0.0.1', '::1']), encodeNameConstraints(['a.example'])],
  },
  input => {
    const permitted = refusing(['CONFIG_INVALID'], () => decodeNameConstraints(input))
    for (const host of ['r.example', 'x.r.example', '10.0.0.1', '::1']) permitted?.permits(host)
  },
)

const UPSTREAMS = `upstreams:
  harbor.example:
    url: https://harbor.example
    mirrors:
      - url: https://m.example/hub
    account: { username: robot, passwordFile: /x }
registries: { allow: ["*"], deny: [] }
`

/** Files that an operator or a program before us has written. */
export const FILE_TARGETS: readonly FuzzTarget[] = [
  configTarget('supernode-config', 'supernode', SupernodeConfig, `http:\n  listen: 127.0.0.1:8002\n${UPSTREAMS}`, [
    'p2p:',
    'store:',
    'limits:',
  ]),
  configTarget(
    'dfdaemon-config',
    'dfdaemon',
    DfdaemonConfig,
    `listen: 127.0.0.1:1\n${UPSTREAMS}intercept:\n  rules:\n    - { regex: x, action: p2p }\n`,
    ['tags:', 'labels:'],
  ),
  configTarget('dfget-config', 'dfget', DfgetConfig, 'header:\n  - "A: b"\nblockSize: 1MiB\nrecursive: true\n', [
    'output: ',
    'digest: ',
  ]),
  dockerConfig,
  profiles,
  eventLog,
  nameConstraints,
]
