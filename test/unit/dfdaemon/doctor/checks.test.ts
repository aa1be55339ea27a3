import { describe, expect, test } from 'vitest'
import { checkClock, clockSkewMs } from '../../../../dfdaemon/node/doctor/checks/clock.ts'
import {
  checkDaemon,
  checkSettings,
  checkVersions,
  type DaemonFacts,
} from '../../../../dfdaemon/node/doctor/checks/daemon.ts'
import { checkDataDirectory, type DataDirectoryFacts } from '../../../../dfdaemon/node/doctor/checks/data-directory.ts'
import { checkMembership, type MembershipFacts } from '../../../../dfdaemon/node/doctor/checks/membership.ts'
import { checkPeerPort, checkWantedPort } from '../../../../dfdaemon/node/doctor/checks/peer-port.ts'
import { checkLinks, checkSupernode, type LinkFacts } from '../../../../dfdaemon/node/doctor/checks/supernode.ts'
import { checkTestPull } from '../../../../dfdaemon/node/doctor/checks/test-pull.ts'
import { type Commands, commandsFor, type GivenOptions } from '../../../../dfdaemon/node/doctor/commands.ts'
import { type ConnectionFailure, connectionFailure } from '../../../../dfdaemon/node/doctor/connection-failure.ts'
import { CertificateRefusal } from '../../../../lib/tls/cluster-dispatcher.ts'

const START = 'dfdaemon --config /etc/dfdaemon.yaml'
const JOIN = 'dfdaemon join --config /etc/dfdaemon.yaml'
const commands: Commands = {
  start: START,
  join: JOIN,
  doctor: 'dfdaemon doctor --config /etc/dfdaemon.yaml',
  installOptions: '',
  uninstallOptions: '',
}
const GIB = 1024 ** 3

describe('clock', () => {
  const date = 1_000_000
  test.each([
    ['within the second that the date stands for', date + 400, date + 900, 0],
    ['a question that took long enough for both to be right', date - 2_000, date + 2_000, 0],
    ['ahead', date + 4_000, date + 4_010, 3_000],
    ['behind', date - 4_010, date - 4_000, -4_000],
  ])('%s', (_, sentAt, receivedAt, skewMs) => {
    expect(clockSkewMs({ date, sentAt, receivedAt })).toBe(skewMs)
  })

  test.each([
    [5_000, 'ok'],
    [5_001, 'warn'],
    [60_000, 'warn'],
    [60_001, 'fail'],
    [-5_001, 'warn'],
    [-60_001, 'fail'],
  ])('%i ms off: %s', (skewMs, status) => {
    const now = skewMs > 0 ? date + 1_000 + skewMs : date + skewMs
    expect(checkClock({ date, sentAt: now, receivedAt: now })).toMatchObject({
      status,
      ...(status === 'ok' ? {} : { mend: 'timedatectl set-ntp true' }),
    })
  })
})

describe('data directory', () => {
  const healthy: DataDirectoryFacts = {
    path: '/var/lib/damselfly/dfdaemon',
    state: 'usable',
    space: { freeBytes: 50 * GIB, sizeBytes: 100 * GIB, freeFiles: 1_000, files: 2_000 },
    userId: 1000,
    daemonRuns: true,
    commands,
  }
  const space = (freeBytes: number, sizeBytes: number, freeFiles = 1, files = 2) => ({
    space: { freeBytes, sizeBytes, freeFiles, files },
  })

  test.each<[string, Partial<DataDirectoryFacts>, string, string]>([
    ['enough room', {}, 'ok', '50.0 GiB free of 100.0 GiB (50 %)'],
    ['not made yet', { state: 'missing' }, 'ok', '(not made yet): 50.0 GiB free'],
    ['nearly full', space(9 * GIB, 100 * GIB), 'warn', '9.0 GiB free of 100.0 GiB (9 %): soon full'],
    ['full', space(0, 100 * GIB), 'fail', '0 B free of 100.0 GiB (0 %): too little'],
    ['no inodes', space(50 * GIB, 100 * GIB, 0), 'fail', 'no inodes are left'],
    ['a file system that counts no inodes', space(50 * GIB, 100 * GIB, 0, 0), 'ok', '50.0 GiB'],
    ['a tiny file system', space(GIB, 2 * GIB), 'warn', '1.0 GiB free of 2.0 GiB (50 %): too small'],
    ['closed to this user, who is not the daemon', { state: 'closed' }, 'warn', 'closed to user 1000'],
    ['closed, and no daemon runs', { state: 'closed', daemonRuns: false }, 'fail', 'closed to user 1000'],
    ['not even the disk is seen', { state: 'closed', space: undefined }, 'warn', 'so the disk was not checked'],
    ['read-only', { state: 'read-only' }, 'fail', 'read-only file system'],
    ['a file system that hangs', { state: 'silent', space: undefined }, 'fail', 'does not answer'],
  ])('%s', (_, changes, status, text) => {
    const finding = checkDataDirectory({ ...healthy, ...changes })
    expect(finding).toMatchObject({ check: 'data-directory', status, what: expect.stringContaining(text) })
    expect(finding.mend === undefined).toBe(status === 'ok')
  })
})

describe('dfdaemon', () => {
  const facts: DaemonFacts = {
    url: 'http://127.0.0.1:65001',
    answer: { state: 'unreachable', failure: { kind: 'refused', reason: 'connection refused' } },
    holder: undefined,
    commands,
  }
  const holder = { process: { pid: 7, name: 'nginx' } }
  const silent = { state: 'unreachable', failure: { kind: 'timeout', reason: 'no answer in time' } } as const

  test.each<[string, Partial<DaemonFacts>, string, string]>([
    ['does not run', {}, 'not running', START],
    ['a stranger', { answer: { state: 'stranger' }, holder }, 'taken by nginx (process 7)', `${START} --listen`],
    [
      'a stranger that is not seen',
      { answer: { state: 'stranger' } },
      'another process (root can see which)',
      '--listen',
    ],
    [
      'the port is held at another address',
      { holder },
      'nginx (process 7) has port 65001 at another address',
      '--mirror http://ADDRESS:65001',
    ],
    ['frozen', { answer: silent, holder }, 'nginx (process 7) has port 65001 and does not answer', 'kill 7; dfdaemon'],
    ['behind a filter', { answer: silent }, 'does not answer: no answer in time', START],
  ])('%s', (_, changes, what, mend) => {
    expect(checkDaemon({ ...facts, ...changes })).toMatchObject({
      status: 'fail',
      what: expect.stringContaining(what),
      mend: expect.stringContaining(mend),
    })
  })

  test('one that answers but has no such route is of another version', () => {
    const answer = { state: 'running', version: '0.0.1', node: undefined } as const
    expect(checkDaemon({ ...facts, answer })).toMatchObject({ status: 'warn' })
  })

  test('settings that were not given are not compared', () => {
    const running = { supernode: 'http://s.example', dataDir: '/data' }
    expect(checkSettings({ given: { supernode: '', dataDir: '' }, running, commands })).toEqual([])
    expect(checkSettings({ given: running, running, commands })).toEqual([])
    const given = { supernode: 'http://s.example', dataDir: '/other' }
    expect(checkSettings({ given, running, commands })).toMatchObject([
      { status: 'warn', what: expect.stringContaining('dataDir /data instead of /other') },
    ])
  })

  test('versions are compared with the one that is installed', () => {
    const versions = (daemon?: string, supernode?: string) =>
      checkVersions({ own: '1.0.0', daemon, supernode, commands }).map(({ status, what }) => `${status}: ${what}`)
    expect(versions()).toEqual([])
    expect(versions('1.0.0', '1.0.0')).toEqual(['ok: all 1.0.0'])
    expect(versions('0.9.0', '1.0.0')).toEqual([
      'warn: the running dfdaemon is version 0.9.0, the one installed is 1.0.0',
    ])
    expect(versions(undefined, '2.0.0')).toEqual(['warn: the supernode is version 2.0.0, this node has 1.0.0'])
  })
})

describe('supernode', () => {
  const failing = (url: string, kind: ConnectionFailure['kind']) =>
    checkSupernode({ url, answer: { state: 'unreachable', failure: { kind, reason: kind } }, commands })

  test('the command fits the way in which it does not answer', () => {
    expect(failing('https://s.example:8002', 'refused').mend).toBe(
      'supernode --http-listen 0.0.0.0:8002   # on s.example',
    )
    expect(failing('http://127.0.0.1:8002', 'refused').mend).toContain('--trial --http-listen 127.0.0.1:8002')
    expect(failing('https://s.example:8002/', 'timeout').mend).toContain('--insecure --max-time 3 https://s.example')
    expect(failing('https://s.example:8002', 'unknown-host').mend).toContain('getent hosts s.example')
    expect(failing('https://s.example:8002', 'clock').mend).toBe('timedatectl set-ntp true')
    expect(failing('https://s.example:8002', 'certificate').mend).toContain(`${JOIN} https://s.example:8002`)
  })

  test('a certificate that is not taken says whether time or the server is wrong', () => {
    const failure = (kind: CertificateRefusal['kind']) => connectionFailure(new CertificateRefusal('why', kind))
    expect(failure('clock')).toEqual({ kind: 'clock', reason: 'why' })
    expect(failure('other')).toEqual({ kind: 'certificate', reason: 'why' })
  })

  const links: LinkFacts = {
    supernodeUrl: 'http://s.example:8002',
    supernodeAddresses: ['/ip4/127.0.0.1/tcp/4001'],
    dialBack: { value: { linked: false, reached: null, failures: [] } },
    ownAddresses: ['/ip4/127.0.0.1/tcp/9100', '/ip4/10.0.0.7/tcp/9100'],
    commands,
  }

  test('a supernode elsewhere that tells only its loopback cannot be linked to', () => {
    expect(checkLinks(links)).toMatchObject([
      {
        status: 'fail',
        what: expect.stringContaining('only addresses of its own machine'),
        mend: expect.stringContaining('supernode --p2p-listen'),
      },
    ])
    expect(checkLinks({ ...links, supernodeAddresses: ['/ip4/10.0.0.1/tcp/4001'] })).toMatchObject([
      { check: 'link-to-supernode', mend: 'nc -vz s.example 4001   # open TCP port 4001 of s.example to this node' },
    ])
  })

  test('a node that is not reached learns which address and port to open', () => {
    const failures = [
      { address: '/ip4/127.0.0.1/tcp/9100', reason: 'stranger' },
      { address: '/ip4/10.0.0.7/tcp/9100', reason: 'timeout' },
    ] as const
    const dialBack = { value: { linked: true, reached: null, failures: [...failures] } }
    const [, back] = checkLinks({ ...links, dialBack })
    expect(back?.what).toContain('/ip4/127.0.0.1/tcp/9100 (another peer), /ip4/10.0.0.7/tcp/9100 (no answer)')
    expect(back?.mend).toContain(
      '--p2p-announce /ip4/ADDRESS/tcp/9100   # under which others reach it; and open TCP port 9100',
    )
  })
})

describe('membership', () => {
  const facts: MembershipFacts = {
    cluster: { kind: 'joined', peerId: 'PEER' },
    supernodeUrl: 'https://s.example:8002',
    isMember: true,
    running: 'https://s.example:8002',
    commands,
  }

  test.each<[string, Partial<MembershipFacts>, string, string | undefined, string | undefined]>([
    ['a member', {}, 'ok', 'a member of the cluster of https://s.example:8002', undefined],
    ['one that is out', { isMember: false }, 'fail', 'no member', 'supernode block remove PEER'],
    ['one that joined while it ran', { running: '' }, 'fail', 'was started before', `${START}   # after ending`],
    ['one that has not joined', { cluster: { kind: 'not-joined', dataDir: '/d' } }, 'fail', 'from /d', JOIN],
    ['another user', { cluster: { kind: 'closed', path: '/d/c' } }, 'warn', '/d/c is closed', 'as the user that'],
    ['a damaged file', { cluster: { kind: 'damaged', problem: 'broken' } }, 'fail', 'broken', JOIN],
    [
      'an http supernode elsewhere',
      { cluster: { kind: 'insecure' }, supernodeUrl: 'http://s.example' },
      ...(['fail', 'dfdaemon does not start with it', 'https://s.example --token-file'] as const),
    ],
  ])('%s', (_, changes, status, what, mend) => {
    expect(checkMembership({ ...facts, ...changes })).toEqual([
      {
        ...{ check: 'membership', status, what: expect.stringContaining(what ?? '') },
        ...(mend && { mend: expect.stringContaining(mend) }),
      },
    ])
  })

  test('nothing is said of nodes without a cluster, or when the supernode says nothing', () => {
    for (const kind of ['none', 'trial'] as const) expect(checkMembership({ ...facts, cluster: { kind } })).toEqual([])
    expect(checkMembership({ ...facts, isMember: undefined })).toEqual([])
  })
})

describe('peer port', () => {
  const facts = { supernodeUrl: 'http://s.example:8002', commands }
  const loopback = { address: '/ip4/127.0.0.1/tcp/9100', failure: undefined }

  test('loopback alone is enough only for a supernode on the same machine', () => {
    expect(checkPeerPort({ ...facts, addresses: [loopback] }).status).toBe('fail')
    expect(checkPeerPort({ ...facts, supernodeUrl: 'http://localhost:8002', addresses: [loopback] }).status).toBe('ok')
    const outside = { address: '/ip4/10.0.0.7/tcp/9100', failure: undefined }
    expect(checkPeerPort({ ...facts, addresses: [loopback, outside] }).status).toBe('ok')
  })

  test('an address where nobody answers is shown with its reason', () => {
    const closed = { address: '/ip4/10.0.0.7/tcp/9100', failure: 'connection refused' }
    expect(checkPeerPort({ ...facts, addresses: [closed] })).toMatchObject({
      status: 'fail',
      what: 'no peer can be reached under /ip4/10.0.0.7/tcp/9100 (connection refused)',
    })
    expect(checkPeerPort({ ...facts, addresses: [] })).toMatchObject({ status: 'fail' })
  })

  test('a free port is nothing to speak of', () => {
    expect(checkWantedPort({ address: '/ip4/0.0.0.0/tcp/9100', holder: undefined, commands })).toEqual([])
    expect(
      checkWantedPort({ address: '/ip4/0.0.0.0/tcp/9100', holder: { process: undefined }, commands }),
    ).toMatchObject([
      { status: 'fail', what: '/ip4/0.0.0.0/tcp/9100 is taken by another process (root can see which)' },
    ])
  })
})

test('a test pull of which a part came from the registry has failed, with its reasons', () => {
  const account = {
    diskBytes: 0,
    peerBytes: 10,
    supernodeBytes: 0,
    originBytes: 5,
    originReasons: [{ why: 'swarm-silent' as const }],
  }
  const facts = { state: 'made', digest: 'sha256:0123456789abcdef', sizeBytes: 15, durationMs: 20, account } as const
  expect(checkTestPull({ facts, image: 'h.example/a:b', hasSupernode: true, commands })).toEqual({
    check: 'test-pull',
    status: 'fail',
    what: 'sha256:0123456789ab, 15 B in 0.02 s: 10 B from peers, 5 B from the registry, because neither peers nor supernode delivered a block in time',
    mend: 'dfdaemon explain h.example/a:b',
  })
})

describe('commands', () => {
  const none: GivenOptions = {
    configFile: undefined,
    listen: undefined,
    supernode: '',
    dataDir: '',
    mirror: undefined,
    root: '/',
    registries: [],
  }

  test('have no options where the defaults serve', () => {
    expect(commandsFor(none)).toEqual({
      start: 'dfdaemon',
      join: 'dfdaemon join',
      doctor: 'dfdaemon doctor',
      installOptions: '',
      uninstallOptions: '',
    })
  })

  test('repeat the flags that were given, quoted for a shell', () => {
    const given = {
      listen: '127.0.0.1:7',
      supernode: 'http://s.example',
      dataDir: "/a b's",
      root: '/mnt',
      registries: ['h'],
    }
    expect(commandsFor({ ...none, ...given })).toEqual({
      start: "dfdaemon --listen 127.0.0.1:7 --supernode http://s.example --data-dir '/a b'\\''s'",
      join: "dfdaemon join --data-dir '/a b'\\''s'",
      doctor:
        "dfdaemon doctor --listen 127.0.0.1:7 --supernode http://s.example --data-dir '/a b'\\''s' --root /mnt --registry h",
      installOptions: ' --listen 127.0.0.1:7 --root /mnt --registry h',
      uninstallOptions: ' --root /mnt',
    })
  })

  test('name the file where one was given', () => {
    const commands = commandsFor({
      ...none,
      configFile: '/etc/d.yaml',
      supernode: 'http://s.example',
      mirror: 'http://m',
    })
    expect(commands).toMatchObject({
      start: 'dfdaemon --config /etc/d.yaml',
      doctor: 'dfdaemon doctor --config /etc/d.yaml --mirror http://m',
      installOptions: ' --config /etc/d.yaml --mirror http://m',
    })
  })
})
