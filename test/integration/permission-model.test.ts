import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { joinCluster } from '../../dfget/peer/cluster/join-cluster.ts'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { createRegistryMock, type RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { createOperatorClient } from '../../supernode/client/operator-client.ts'
import { seedBlob } from '../helpers/blob.ts'
import { joinToken, ownersApi } from '../helpers/join.ts'
import { pullBlob } from '../helpers/pull.ts'
import { createUnitRuns, type UnitProcess, type UnitRuns } from '../helpers/unit-run.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const PATIENCE = { timeoutMs: 20_000 }
const PROBE = fileURLToPath(new URL('../helpers/permission-probe.ts', import.meta.url))

let registry: RegistryMock
let runs: UnitRuns

beforeEach(async () => {
  registry = createRegistryMock({ listen: '127.0.0.1:0' })
  await registry.start()
  runs = await createUnitRuns('self')
})

afterEach(async () => {
  await runs[Symbol.asyncDispose]()
  await registry.stop()
})

const SUPERNODE = { trial: true, http: { listen: '127.0.0.1:0' } }
const daemonOf = (supernode: UnitProcess) => ({
  trial: true,
  listen: '127.0.0.1:0',
  supernode: supernode.url,
  defaultUpstream: registry.host,
})

describe('programs that are started as their units say', () => {
  test('pull through the swarm, keep what they hold, and show their metrics', async () => {
    const supernode = await runs.start('supernode', SUPERNODE)
    const dfdaemon = await runs.start('dfdaemon', daemonOf(supernode))
    const blob = await seedBlob(registry, 8 * MIB)
    await pullBlob(dfdaemon, blob)
    await pullBlob(dfdaemon, blob)
    expect(registry.stats.snapshot().blobs[blob.digest]?.requests).toBe(1)
    for (const { url } of [supernode, dfdaemon]) {
      const text = await (await request(`${url}/metrics`)).body.text()
      expect(text).toMatch(/^process_open_fds \d+$/m)
      expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
    }
    expect(await readdir(runs.places.runtime)).toEqual(['dfdaemon.sock'])
    // Nothing is said but what the program says.
    for (const { process } of [supernode, dfdaemon]) {
      expect((await process.stop()).code).toBe(0)
      expect(process.stderr.lines().filter(line => !line.startsWith('{'))).toEqual([])
    }
    const again = await runs.start('dfdaemon', { ...daemonOf(supernode), supernode: '' })
    await pullBlob(again, blob)
    expect(registry.stats.snapshot().blobs[blob.digest]?.requests).toBe(1)
  })

  test('take part in a cluster that is no trial', async () => {
    const outbound = { schemes: ['http'], allowPorts: ['1-65535'], allowNetworks: ['127.0.0.0/8'] }
    const supernode = await runs.start('supernode', { http: SUPERNODE.http, outbound })
    const [ofSupernode, dataDir] = [join(runs.places.state, 'supernode'), join(runs.places.state, 'dfdaemon')]
    const token = await joinToken({ dataDir: ofSupernode })
    const joining = { supernode: supernode.url, token, dataDir, name: 'a node', temporary: false }
    const { peerId } = await joinCluster(joining, { signal: AbortSignal.timeout(PATIENCE.timeoutMs) })
    const settings = { listen: '127.0.0.1:0', defaultUpstream: registry.host, outbound }
    const dfdaemon = await runs.start('dfdaemon', settings)
    const operator = createOperatorClient(ownersApi('supernode', ofSupernode))
    const isLinked = async () =>
      (await operator.members({ signal: AbortSignal.timeout(PATIENCE.timeoutMs) })).some(
        ({ id, linked }) => id === peerId && linked,
      )
    await waitFor(isLinked, { ...PATIENCE, what: 'the link of the member' })
    const blob = await seedBlob(registry, MIB)
    await pullBlob(dfdaemon, blob)
    const tasks = await (await requestApi(ownersApi('dfdaemon', dataDir), '/api/v1/tasks')).body.json()
    expect(tasks).toMatchObject([{ account: { originBytes: 0, supernodeBytes: MIB } }])
    for (const { process } of [supernode, dfdaemon]) {
      expect(process.stderr.lines().filter(line => line.includes('ERR_ACCESS_DENIED'))).toEqual([])
    }
  })

  test.each(['supernode', 'dfdaemon'] as const)('write what is changed of a %s to its audit log', async program => {
    const settings = program === 'supernode' ? SUPERNODE : { trial: true, listen: '127.0.0.1:0' }
    const { url, process: child } = await runs.start(program, settings)
    const body = JSON.stringify({})
    const headers = { 'content-type': 'application/json' }
    const { statusCode } = await request(`${url}/api/v1/limits`, { method: 'PUT', headers, body })
    expect(statusCode).toBe(200)
    const file = join(runs.places.state, program, 'audit.log')
    expect(await readFile(file, 'utf8')).toContain('"PUT /api/v1/limits"')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await child.stop()
    await chmod(file, 0o644)
    const again = await runs.start(program, settings)
    const line = await again.process.waitForLine('stderr', text => text.includes('audit log'), PATIENCE)
    expect(line).toContain(`chmod 600 ${file}`)
  })

  test.each(['supernode', 'dfdaemon'] as const)('cannot reach anything else from inside a %s', async program => {
    const inside = join(runs.places.state, program)
    const outside = dirname(runs.places.state)
    await writeFile(join(outside, 'file'), 'private')
    process.env.PROBE_INSIDE = inside
    process.env.PROBE_OUTSIDE = outside
    const settings = program === 'supernode' ? SUPERNODE : { trial: true, listen: '127.0.0.1:0' }
    const { process: child } = await runs.start(program, settings, [`--allow-fs-read=${PROBE}`, `--import=${PROBE}`])
    child.signal('SIGUSR2')
    const line = await child.waitForLine('stderr', text => text.startsWith('{"probe":'), PATIENCE)
    const { writeInside, ...others } = JSON.parse(line).probe as Record<string, string>
    expect(writeInside).toBe('done')
    expect(Object.entries(others).filter(([, outcome]) => outcome !== 'ERR_ACCESS_DENIED')).toEqual([])
    expect((await readdir(outside)).sort()).toEqual(['etc', 'file', 'run', 'state'])
  })

  test.each([
    ['an event log', 'supernode', { ...SUPERNODE, eventLog: '/var/log/damselfly-events' }, /write to \/var\/log\/dams/],
    [
      'an account',
      'supernode',
      { ...SUPERNODE, upstreams: { 'harbor.example': { account: { username: 'a', passwordFile: '/root/.secret' } } } },
      /the account of registry "harbor\.example" names a file that cannot be read \(ERR_ACCESS_DENIED\): \/root\/\.secret/,
    ],
    [
      'a certificate',
      'dfdaemon',
      { trial: true, upstreams: { 'harbor.example': { caFile: '/root/ca.crt' } } },
      /\/root\/ca\.crt is not a readable file of PEM certificates \(ERR_ACCESS_DENIED\)/,
    ],
    ['a docker config', 'dfdaemon', { trial: true, dockerConfigs: ['/root/.docker/config.json'] }, /\/root\/\.docker/],
  ] as const)('say in one line that %s lies outside', async (_, program, settings, expected) => {
    const child = await runs.launch(program, settings)
    expect((await child.exited).code).toBe(1)
    expect(child.stderr.text()).toMatch(expected)
    expect(child.stderr.lines()).toHaveLength(1)
  })

  test('say that a data directory that is too open has to be made private by hand', async () => {
    await mkdir(join(runs.places.state, 'supernode'))
    await chmod(join(runs.places.state, 'supernode'), 0o755)
    const child = await runs.launch('supernode', SUPERNODE)
    expect((await child.exited).code).toBe(1)
    expect(child.stderr.text()).toMatch(/has the mode 755, and --permission lets nobody change it; chmod 700 /)
  })

  test('say that a credential helper cannot be started, and go on', async () => {
    const upstreams = { [registry.host]: { url: registry.url, account: { helper: 'none' } } }
    const dfdaemon = await runs.start('dfdaemon', {
      trial: true,
      listen: '127.0.0.1:0',
      defaultUpstream: registry.host,
      upstreams,
    })
    const blob = await seedBlob(registry, MIB)
    await pullBlob(dfdaemon, blob)
    const line = await dfdaemon.process.waitForLine(
      'stderr',
      text => text.includes('credential helper failed'),
      PATIENCE,
    )
    expect(line).toContain('could not be started (--permission without --allow-child-process)')
  })
})

test('the key of a program under the permission model is for its owner alone', async () => {
  await runs.start('supernode', SUPERNODE)
  const modes = await Promise.all(
    ['cluster.key', 'peer.key', 'index/CURRENT'].map(
      async name => (await stat(join(runs.places.state, 'supernode', name))).mode & 0o777,
    ),
  )
  expect(modes).toEqual([0o600, 0o600, 0o600])
  expect((await readFile(join(runs.places.state, 'supernode', 'peer.key'))).length).toBe(32)
})
