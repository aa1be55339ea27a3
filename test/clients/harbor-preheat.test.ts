import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { stringify } from 'yaml'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import type { DaemonTasks } from '../../protocol/messages/daemon-api.ts'
import type { PreheatJob } from '../../protocol/messages/preheat-api.ts'
import { makeToken, ownersApi } from '../helpers/join.ts'
import { type MachineView, openMachineView } from '../helpers/machine-view.ts'
import { programMain } from '../helpers/program-main.ts'
import { pageLines } from '../helpers/readme-lines.ts'
import { type SeenRequest, sentBytesOfBlobs } from '../helpers/registry-front/seen-request.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { waitFor } from '../helpers/wait.ts'
import type { NodeDaemon } from './bench.ts'
import {
  HARBOR_HOST,
  type HarborPush,
  type HarborSite,
  HUB_ROBOT,
  LIBRARY_ROBOT,
  startHarborSite,
} from './private/harbor-site.ts'
import type { DriverName } from './private/jobservice-program.ts'
import type { Supernode } from './programs.ts'
import { sentBytesByBlob } from './runtimes/registry-log.ts'
import { cleanEnvironment } from './runtimes/runtime.ts'

const PAGE = 'docs/harbor.md'
const MIB = 1 << 20
/** So long that a look at a cold layer of a proxy cache, which hangs up at its beginning, is no copy of it. */
const COLD_BYTES = 12 * MIB
const LINK_TIMEOUT_MS = 20_000
const PREHEAT_TIMEOUT_MS = 20_000
/** What the runtimes and `install` keep outside of /etc. */
const STATE = ['/run', '/var/lib/docker', '/var/lib/containerd', '/opt/containerd', '/var/lib/damselfly']

let site: HarborSite
let supernode: Supernode
let nodes: NodeDaemon[]
let operatorToken: string
/** With `dfdaemon` in it. */
let bin: string
let nginx: HarborPush

beforeAll(async () => {
  assertClientRequirements()
  site = await startHarborSite()
  const { bench, surroundings } = site
  bin = await bench.directory('bin')
  const file = join(bin, 'dfdaemon')
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${programMain('dfdaemon')}' "$@"\n`)
  await chmod(file, 0o755)
  const directory = await bench.directory('settings')
  const passwordFile = join(directory, 'harbor.password')
  await writeFile(passwordFile, LIBRARY_ROBOT.password, { mode: 0o600 })
  const upstreams = { [HARBOR_HOST]: { account: { username: LIBRARY_ROBOT.username, passwordFile } } }
  const config = join(directory, 'supernode.yaml')
  await writeFile(config, stringify({ upstreams }))
  ;[supernode, nginx] = await Promise.all([
    bench.startSupernode(['--config', config], surroundings),
    site.push('library/nginx', [MIB, 2 * MIB, 3 * MIB]),
  ])
  const settings = {
    upstreams,
    intercept: { enabled: true, hosts: [HARBOR_HOST], connect: { allow: ['*'] } },
  }
  const startNode = () => bench.startDfdaemon({ supernode, registryUrl: bench.registry.url, settings, surroundings })
  nodes = await Promise.all([startNode(), startNode()])
  operatorToken = (await makeToken(place(), { role: 'operator', comment: 'harbor' })).token
  await waitFor(async () => (await linkedPeers()) === 2, { timeoutMs: LINK_TIMEOUT_MS, what: 'the nodes to link' })
})

afterAll(() => site?.[Symbol.asyncDispose]())

function place() {
  return { dataDir: supernode.dataDirectory }
}

async function askSupernode<Answer>(path: string): Promise<Answer> {
  return (await (await requestApi(ownersApi('supernode', supernode.dataDirectory), path)).body.json()) as Answer
}

async function linkedPeers(): Promise<number> {
  return (await askSupernode<unknown[]>('/api/v1/peers')).length
}

/** Digests of what a node holds whole. */
async function heldBy({ dfdaemon }: NodeDaemon): Promise<Set<string>> {
  const api = ownersApi('dfdaemon', dfdaemon.dataDirectory)
  const tasks = (await (await requestApi(api, '/api/v1/tasks')).body.json()) as DaemonTasks
  return new Set(tasks.filter(({ state }) => state === 'complete').map(({ id }) => id as string))
}

async function allHold({ blobs }: HarborPush): Promise<boolean> {
  const held = await Promise.all(nodes.map(heldBy))
  return held.every(digests => blobs.every(({ digest }) => digests.has(digest)))
}

/** What of Harbor and its storage was asked for a repository or its blobs, now that all answers have been noted. */
async function requestsFor({ repository, blobs }: HarborPush): Promise<SeenRequest[]> {
  const isOfIt = ({ path }: SeenRequest) =>
    path.includes(`/v2/${repository}/`) || blobs.some(({ digest }) => path.includes(digest))
  const find = async () => (await site.harbor.requests()).filter(isOfIt)
  // An answer is noted when it has ended, which its reader knows first.
  await waitFor(async () => sentBytesOfBlobs(await find()).size === blobs.length, { timeoutMs: 5_000 })
  return find()
}

function bytesOf({ blobs }: HarborPush): Map<string, number> {
  return new Map(blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes]))
}

function instance(token = operatorToken) {
  return { endpoint: supernode.httpUrl, headers: { authorization: `Bearer ${token}` } }
}

async function newestJob(): Promise<PreheatJob> {
  const [newest] = await askSupernode<PreheatJob[]>('/v1/preheats')
  if (newest === undefined) throw new Error('there is no job')
  return newest
}

/** What Harbor sends, by a name of its own that nodes do not know. */
function webhookBody({ repository, tag, manifestDigest }: HarborPush): string {
  const [namespace = '', name = ''] = repository.split('/')
  const resources = [{ digest: manifestDigest, tag, resource_url: `harbor.internal/${repository}:${tag}` }]
  const about = { date_created: 1680501893, name, namespace, repo_full_name: repository, repo_type: 'private' }
  const event_data = { resources, repository: about }
  return JSON.stringify({ type: 'PUSH_ARTIFACT', occur_at: 1680501893, operator: 'admin', event_data })
}

function onFailure(): void {
  onTestFailed(() => void process.stderr.write(site.bench.log()))
}

describe('the instance', () => {
  test('is tested by Harbor, which trusts the certificate of the cluster', async () => {
    const url = `${supernode.httpUrl}/healthy`
    await site.curl('--cacert', join(supernode.dataDirectory, 'cluster.crt'), url)
    await expect(site.curl(url)).rejects.toThrow(/certificate/)
  })

  test('starts nothing without the token of an operator', async () => {
    const { token } = await makeToken(place(), { role: 'viewer' })
    for (const [shown, answer] of [
      ['dmsl_nonsense', /^401 .*UNAUTHORIZED/],
      [token, /^403 .*DENIED/],
    ] as const) {
      const { status, error } = await site.preheat('dragonfly 2.12', nginx, instance(shown))
      expect([status, error]).toEqual(['Error', expect.stringMatching(answer)])
    }
    expect(await askSupernode('/v1/preheats')).toEqual([])
  })
})

describe('a pushed image', () => {
  test('is on all nodes when Harbor says that it is, for one copy that was read with the token of the job', async () => {
    onFailure()
    const { status, error, registryToken } = await site.preheat('dragonfly 2.12', nginx, instance())
    expect([status, error]).toEqual(['Success', ''])
    expect(await allHold(nginx)).toBe(true)
    expect(await newestJob()).toMatchObject({ state: 'succeeded', nodes: { done: 2, failed: 0, total: 2 } })
    const requests = await requestsFor(nginx)
    expect(sentBytesOfBlobs(requests)).toEqual(bytesOf(nginx))
    const authorizationsOf = (name: string) =>
      new Set(requests.filter(({ server, status }) => server === name && status < 400).map(seen => seen.authorization))
    expect(authorizationsOf('registry')).toEqual(new Set([`Bearer ${registryToken}`]))
    expect(authorizationsOf('storage')).toEqual(new Set([undefined]))
  })

  test.each<{ driver: DriverName; format: 'oci' | 'docker' }>([
    { driver: 'dragonfly 2.11', format: 'docker' },
    { driver: 'dragonfly 2.2', format: 'oci' },
    { driver: 'kraken', format: 'oci' },
  ])('is spread by $driver', async ({ driver, format }) => {
    onFailure()
    const pushed = await site.push(`library/by-${driver.replace(' ', '-')}`, [MIB], format)
    const { status, error } = await site.preheat(driver, pushed, instance())
    expect([status, error]).toEqual(['Success', ''])
    // For Kraken Harbor is content once the event was taken.
    const timeoutMs = driver === 'kraken' ? PREHEAT_TIMEOUT_MS : 0
    await waitFor(() => allHold(pushed), { timeoutMs, what: 'all nodes to hold it' })
    expect(sentBytesOfBlobs(await requestsFor(pushed))).toEqual(bytesOf(pushed))
  })

  test('that the robot may not read is no job for Kraken, and the supernode says why', async () => {
    onFailure()
    const pushed = await site.push('hub/library/closed', [MIB])
    expect(await site.preheat('kraken', pushed, instance())).toMatchObject({ status: 'Success' })
    const ended = async () => ((await newestJob()).endedAt === null ? undefined : newestJob())
    const { state, name, reason } = await waitFor(ended, { timeoutMs: PREHEAT_TIMEOUT_MS, what: 'the job to end' })
    expect([state, name]).toEqual(['failed', `${HARBOR_HOST}/${pushed.repository}@${pushed.manifestDigest}`])
    expect(reason).toMatchObject({ code: 'UNAUTHORIZED', message: expect.stringContaining('account under upstreams') })
  })

  test('is spread when a webhook tells of it, with the account of the robot', async () => {
    onFailure()
    const pushed = await site.push('library/by-webhook', [MIB])
    const url = `${supernode.httpUrl}/harbor/webhooks?registry=${HARBOR_HOST}&scope=all`
    const headers = [`Authorization: Bearer ${operatorToken}`, 'Content-Type: application/json']
    const given = [...headers.flatMap(header => ['--header', header]), '--data', webhookBody(pushed)]
    await site.curl('--cacert', join(supernode.dataDirectory, 'cluster.crt'), ...given, url)
    await waitFor(() => allHold(pushed), { timeoutMs: PREHEAT_TIMEOUT_MS, what: 'all nodes to hold it' })
    expect(sentBytesOfBlobs(await requestsFor(pushed))).toEqual(bytesOf(pushed))
  })

  test('of a proxy-cache project is read once, although its cold layers come whole whatever part is asked for', async () => {
    onFailure()
    const cached = await site.push('hub/library/cached', [COLD_BYTES])
    const { status, error } = await site.preheat('dragonfly 2.12', cached, instance())
    expect([status, error]).toEqual(['Success', ''])
    expect(await allHold(cached)).toBe(true)
    const requests = await requestsFor(cached)
    // Such a layer cannot be asked for by HEAD; what the look by GET has got when it hangs up is no copy.
    const isLook = ({ range }: SeenRequest) => range === 'bytes=0-0'
    expect(sentBytesOfBlobs(requests.filter(request => !isLook(request)))).toEqual(bytesOf(cached))
    const [config, layer] = cached.blobs
    const looks = sentBytesOfBlobs(requests.filter(isLook))
    expect(looks.get(config?.digest ?? '')).toBe(config?.sizeBytes)
    expect(looks.get(layer?.digest ?? '')).toBeLessThan(COLD_BYTES / 4)
    const cold = requests.filter(
      ({ server, range, status, method }) =>
        server === 'registry' && method === 'GET' && status === 200 && range === undefined,
    )
    expect(cold.map(({ path }) => path)).toContainEqual(expect.stringContaining(layer?.digest ?? ''))
  })
})

/** A machine on which `dfdaemon` is a command, and where its operator types. */
interface Machine {
  readonly view: MachineView
  readonly at: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }
}

/** The machine of a node as if nothing had been set up on it, with a place for what runs there, and how much was asked so far. */
async function freshMachine(
  index: number,
): Promise<{ machine: Machine; before: number; running: AsyncDisposableStack }> {
  const daemon = nodes[index]
  if (daemon === undefined) throw new Error(`there is no node ${index}`)
  await using running = new AsyncDisposableStack()
  const view = running.use(await openMachineView(daemon.node, STATE))
  const directory = await site.bench.directory('machine')
  const { PATH, ...environment } = cleanEnvironment(directory)
  await mkdir(join(directory, 'damselfly'))
  await symlink(daemon.dfdaemon.dataDirectory, join(directory, 'damselfly', 'dfdaemon'))
  await writeFile(join(directory, 'harbor.password'), LIBRARY_ROBOT.password)
  const at = { cwd: directory, env: { ...environment, PATH: `${bin}${delimiter}${PATH}` } }
  return { machine: { view, at }, before: (await site.harbor.requests()).length, running: running.move() }
}

async function startContainerd({ view, at }: Machine): Promise<AsyncDisposable> {
  const containerd = await view.start('containerd', [], at)
  await containerd.waitForLine('stderr', line => line.includes('successfully booted'), { timeoutMs: 30_000 })
  return containerd
}

/** Types the page's lines under a heading; what `instead` has an answer for is done by that. @returns what each of the others printed */
async function follow(
  heading: string,
  { view, at }: Machine,
  instead: Readonly<Record<string, () => Promise<void>>> = {},
): Promise<string[]> {
  const image = `${HARBOR_HOST}/library/nginx:`
  const printed: string[] = []
  for (const line of await pageLines(PAGE, heading)) {
    const own = instead[line]
    if (own !== undefined) await own()
    else printed.push((await view.shell(line.replace(`${image}1.27`, `${image}${nginx.tag}`), at)).stdout)
  }
  return printed
}

/** What Harbor, its storage and the registry behind sent of blobs since a time when so many requests had been seen. */
async function sentSince(count: number): Promise<Map<string, number>> {
  return sentBytesOfBlobs((await site.harbor.requests()).slice(count))
}

describe('nodes that have it already take no byte of a layer from Harbor', () => {
  test('containerd, by its mirror', async () => {
    onFailure()
    const { machine, before, running } = await freshMachine(0)
    await using _ = running
    await follow('containerd', machine, {
      'systemctl restart containerd': async () => void running.use(await startContainerd(machine)),
    })
    const check = await machine.view.shell('ctr images check', machine.at)
    expect(check.stdout).toMatch(new RegExp(`library/nginx:v1 .*${nginx.manifestDigest} +complete \\(4/4\\)`))
    const [explained, doctored] = await follow('5. Does it work?', machine)
    expect(explained).toContain('100 % came from this node or the swarm, 0 % from the origin.')
    expect(doctored).toMatch(/^ok +runtime-containerd/m)
    expect(await sentSince(before)).toEqual(new Map())
  })

  test('containerd, with the account of its user for a project that its node may not read', async () => {
    onFailure()
    const { machine, before, running } = await freshMachine(0)
    await using _ = running
    const install = `dfdaemon install containerd --registry ${HARBOR_HOST} --edit-containerd-config`
    await machine.view.shell(install, machine.at)
    running.use(await startContainerd(machine))
    const pull = 'ctr images pull --hosts-dir /etc/containerd/certs.d'
    const image = `${HARBOR_HOST}/hub/library/cached:v1`
    await expect(machine.view.shell(`${pull} ${image}`, machine.at)).rejects.toThrow(/unauthorized|denied/i)
    await machine.view.shell(`${pull} --user '${HUB_ROBOT.username}:${HUB_ROBOT.password}' ${image}`, machine.at)
    expect(await sentSince(before)).toEqual(new Map())
  })

  test('Docker, by interception', async () => {
    onFailure()
    const { machine, before, running } = await freshMachine(1)
    await using _ = running
    // What a machine of this kind needs; `install` keeps it.
    const settings = { 'storage-driver': 'vfs', iptables: false, ip6tables: false, bridge: 'none', 'ip-forward': false }
    await machine.view.shell(
      `mkdir -p /etc/docker; echo '${JSON.stringify(settings)}' > /etc/docker/daemon.json`,
      machine.at,
    )
    await follow('Docker', machine, {
      'systemctl daemon-reload': async () => {},
      'systemctl restart docker': async () => {
        const { stdout } = await machine.view.shell(
          'cat /etc/systemd/system/docker.service.d/damselfly.conf',
          machine.at,
        )
        const [, name = '', value = ''] = /^Environment=(\w+)=(.*)$/m.exec(stdout) ?? []
        const env = { ...machine.at.env, [name]: value }
        const dockerd = running.use(await machine.view.start('dockerd', [], { ...machine.at, env }))
        await dockerd.waitForLine('stderr', line => line.includes('API listen on'), { timeoutMs: 60_000 })
      },
    })
    const inspect = `docker image inspect --format '{{index .RepoDigests 0}}' ${HARBOR_HOST}/library/nginx:v1`
    const { stdout } = await machine.view.shell(inspect, machine.at)
    expect(stdout.trim()).toBe(`${HARBOR_HOST}/library/nginx@${nginx.manifestDigest}`)
    expect(await sentSince(before)).toEqual(new Map())
  })
})

test('the registry behind has sent each of their layers once', async () => {
  const sent = sentBytesByBlob(await site.bench.registry.finish())
  for (const { digest, sizeBytes } of nginx.blobs) expect(sent.get(digest)).toBe(sizeBytes)
})
