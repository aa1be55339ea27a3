import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRegistryMock, type RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { seedBlob } from '../helpers/blob.ts'
import { run, startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { pullBlob } from '../helpers/pull.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createUnitRuns, NOBODY, type UnitRuns } from '../helpers/unit-run.ts'

const MIB = 1024 * 1024
/** Debian's `games`: neither root nor the user of the programs. */
const SOMEBODY_ELSE = 5
const SUPERNODE = { trial: true, http: { listen: '127.0.0.1:0' } }

let registry: RegistryMock
let runs: UnitRuns

beforeEach(async () => {
  assertClientRequirements()
  registry = createRegistryMock({ listen: '127.0.0.1:0' })
  await registry.start()
  runs = await createUnitRuns('nobody')
})

afterEach(async () => {
  await runs[Symbol.asyncDispose]()
  await registry.stop()
})

/** Runs dfget as another user, without root, groups and new privileges. */
async function dfgetOfSomebodyElse(...args: string[]): Promise<void> {
  const home = join(runs.places.settings, 'home')
  await mkdir(home, { recursive: true })
  await chown(home, SOMEBODY_ELSE, SOMEBODY_ELSE)
  const user = ['--reuid', `${SOMEBODY_ELSE}`, '--regid', `${SOMEBODY_ELSE}`, '--clear-groups', '--no-new-privs']
  const env = { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, 'cache') }
  await run('setpriv', [...user, process.execPath, programMain('dfget'), ...args], { cwd: home, env })
}

test('supernode, dfdaemon and dfget need no root, with the options of their units', async () => {
  const supernode = await runs.start('supernode', SUPERNODE)
  const settings = { trial: true, listen: '127.0.0.1:0', supernode: supernode.url, defaultUpstream: registry.host }
  const dfdaemon = await runs.start('dfdaemon', settings)
  for (const { process: child } of [supernode, dfdaemon]) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    expect(status).toMatch(new RegExp(`^Uid:(\\t${NOBODY}){4}$`, 'm'))
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) expect(status).toMatch(new RegExp(`^Cap${set}:\\t0+$`, 'm'))
  }

  const blob = await seedBlob(registry, 4 * MIB)
  await pullBlob(dfdaemon, blob)
  // Through the socket of the dfdaemon, which belongs to a third user.
  const socket = join(runs.places.runtime, 'dfdaemon.sock')
  const url = `${registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  await dfgetOfSomebodyElse('--daemon-socket', socket, '--digest', blob.digest, '-O', 'out', url)
  await dfgetOfSomebodyElse('--daemon-socket', '', '--supernode', supernode.url, '-O', 'own', url)
  for (const name of ['out', 'own']) {
    expect((await stat(join(runs.places.settings, 'home', name))).size).toBe(4 * MIB)
  }

  const files = await readdir(runs.places.state, { recursive: true, withFileTypes: true })
  const open = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name)
      const { mode, uid } = await stat(path)
      return uid === NOBODY && (mode & 0o077) === 0 ? [] : [`${path} ${uid} ${(mode & 0o777).toString(8)}`]
    }),
  )
  expect(files.length).toBeGreaterThan(10)
  expect(open.flat()).toEqual([])
})

const FIRST_FREE_PORT = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))

test.each([
  [
    'a port below 1024',
    { http: { listen: '127.0.0.1:80' } },
    /cannot listen on 127\.0\.0\.1:80; ports below 1024 need/,
  ],
  ['a peer port below 1024', { p2p: { listen: ['/ip4/127.0.0.1/tcp/81'] } }, /tcp\/81; ports below 1024 need a right/],
  [
    'an address of elsewhere',
    { trial: false, http: { listen: '192.0.2.1:0' } },
    /192\.0\.2\.1:0; this machine has no such address/,
  ],
])('without root, %s is refused in one line that says what to do', async (what, settings, expected) => {
  const all = { ...SUPERNODE, ...settings }
  // Containers are often given the right to all ports.
  if (what.includes('port') && FIRST_FREE_PORT < 1024) return void (await runs.start('supernode', all))
  const child = await runs.launch('supernode', all)
  expect((await child.exited).code).toBe(1)
  expect(child.stderr.text()).toMatch(expected)
  return expect(child.stderr.lines()).toHaveLength(1)
})

test('without root, a data directory of somebody else is refused in one line', async () => {
  const own = join(runs.places.state, 'supernode')
  const child = await runs.launch('supernode', SUPERNODE)
  await child.stop()
  await chown(own, 0, 0)
  await chmod(own, 0o755)
  const user = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', '--no-new-privs']
  const args = ['--trial', '--http-listen', '127.0.0.1:0', '--data-dir', own]
  const start = (dataDir: string) =>
    run('setpriv', [...user, process.execPath, programMain('supernode'), ...args.slice(0, -1), dataDir])
  await expect(start(own)).rejects.toThrow(/is owned by user 0, not by the user that runs this program; choose another/)
  await expect(start('/var/lib/damselfly-of-nobody')).rejects.toThrow(
    /\/var\/lib\/damselfly-of-nobody cannot be created or opened: EACCES/,
  )
})

test('without root and its directory, the socket is missed with a warning, and pulls go on', async () => {
  const settings = { trial: true, listen: '127.0.0.1:0', defaultUpstream: registry.host }
  await chmod(runs.places.runtime, 0o755)
  const dfdaemon = await runs.start('dfdaemon', settings)
  await dfdaemon.process.stop()
  await chown(runs.places.runtime, 0, 0)
  const { places } = runs
  const user = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', '--no-new-privs']
  await using child = await startProcess('setpriv', [
    ...[...user, process.execPath, programMain('dfdaemon'), '--trial', '--listen', '127.0.0.1:0'],
    ...['--default-upstream', registry.host, '--data-dir', join(places.state, 'dfdaemon')],
    ...['--socket', join(places.runtime, 'missing', 'dfdaemon.sock')],
  ])
  const warning = await child.waitForLine('stderr', line => line.includes('no local socket'), { timeoutMs: 20_000 })
  expect(JSON.parse(warning)).toMatchObject({ level: 40, code: 'EACCES' })
  const line = await child.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: 20_000 })
  await pullBlob({ url: (JSON.parse(line) as { http: string }).http }, await seedBlob(registry, MIB))
})
