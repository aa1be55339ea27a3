import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { askDialBack } from '../../supernode/client/dial-back-client.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { startHttpServer, type TestHandler } from '../helpers/http-server.ts'
import { createScratchDirectory, type ScratchDirectory } from '../helpers/scratch-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Diagnosis, runDoctor } from '../unit/dfdaemon/doctor/fixture.ts'
import { createMachineRoot } from '../unit/dfdaemon/install/fixture.ts'

/** Nothing listens there. */
const CLOSED = '127.0.0.1:1'
const CLOSED_ADDRESS = '/ip4/127.0.0.1/tcp/1'

let cluster: TestCluster
let scratch: ScratchDirectory
let supernode: TestProgram & { p2p(): string[] }
/** A healthy one. */
let node: TestProgram
let image: string

beforeAll(async () => {
  cluster = await startCluster()
  scratch = await createScratchDirectory()
  supernode = await cluster.supernode()
  const { registry } = cluster
  await registry.generateImage({ repository: 'library/demo', tag: 'v1', layers: 2, sizeBytes: 256 * 1024 })
  image = `${registry.host}/library/demo:v1`
  node = await cluster.dfdaemon({ supernode: supernode.url })
  await linked(node, supernode)
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
  await scratch[Symbol.asyncDispose]()
})

/** What `dfdaemon doctor` says of a machine whose podman is set up for the mirror. */
async function doctor(mirror: string, ...args: string[]): Promise<Diagnosis> {
  await using root = await createMachineRoot()
  await root.install('podman', { mirror })
  return await runDoctor(...args, '--root', root.path, '--runtime', 'podman', '--mirror', mirror)
}

/** Waits until a supernode has the control stream of a dfdaemon. */
async function linked({ peerId }: TestProgram, { url }: { url: string }): Promise<void> {
  await waitFor(
    async () => {
      const { body } = await request(`${url}/api/v1/peers`)
      return ((await body.json()) as { id: string }[]).some(({ id }) => id === peerId)
    },
    { timeoutMs: 10_000, what: 'the control stream' },
  )
}

async function served(handler: TestHandler): Promise<string> {
  const server = await startHttpServer(handler)
  onTestFinished(() => server.close())
  return server.url
}

/** A port that accepts connections and says nothing. */
async function silentPort(): Promise<number> {
  const server = createServer(socket => socket.on('error', () => {}))
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', socket => sockets.add(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

describe('of a healthy node', () => {
  test('says so, and where the bytes of a test pull came from', async () => {
    const diagnosis = await doctor(node.url, '--image', image)
    expect(diagnosis.findings.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(diagnosis.exitCode).toBe(0)
    expect(diagnosis.findings.map(({ check }) => check)).toEqual([
      'configuration',
      'runtime-podman',
      'dfdaemon',
      'versions',
      'data-directory',
      'peer-port',
      'supernode',
      'link-to-supernode',
      'link-from-supernode',
      'clock',
      'test-pull',
    ])
    expect(diagnosis.said('test-pull')).toMatch(/^ok: sha256:[0-9a-f]{12}, .* from the supernode$/)
    expect(diagnosis.said('link-from-supernode')).toContain('/ip4/127.0.0.1/tcp/')
  })

  test('takes a blob that is not here each time, and warns when there is none left', async () => {
    const { registry } = cluster
    // A config and a layer.
    await registry.generateImage({
      repository: 'library/other',
      tag: 'v1',
      layers: 1,
      sizeBytes: 64 * 1024,
      seed: 'other',
    })
    const said: string[] = []
    for (let times = 0; times < 3; times++) {
      const diagnosis = await doctor(node.url, '--image', `${registry.host}/library/other:v1`)
      said.push(diagnosis.said('test-pull') ?? '')
      expect(diagnosis.exitCode).toBe(0)
    }
    expect(said.map(text => text.split(':')[0])).toEqual(['ok', 'ok', 'warn'])
    expect(said[2]).toContain('from this disk, so that it says nothing of the swarm')
  })

  test('tells how to make a test pull when no image is named', async () => {
    const { said, mendOf } = await doctor(node.url)
    expect(said('test-pull')).toBe('ok: the mirror answers; no test pull was made, as no image was named')
    expect(mendOf('test-pull')).toMatch(/^dfdaemon doctor --mirror .+ --image docker.io\/library\/alpine:3.20$/)
  })

  test('warns that the dfdaemon has other settings than the doctor was given', async () => {
    const { said } = await doctor(node.url, '--supernode', 'http://other.example', '--data-dir', node.dataDir)
    expect(said('settings')).toContain(`supernode ${supernode.url} instead of http://other.example; the rest is about`)
    expect(said('settings')).not.toContain('dataDir')
    expect(said('supernode')).toMatch(/^ok/)
  })
})

describe('of the dfdaemon', () => {
  test('says that it does not run, and how to start it', async () => {
    const { said, mendOf, exitCode } = await doctor(`http://${CLOSED}`, '--supernode', supernode.url)
    expect(said('dfdaemon')).toBe(`fail: not running: ${CLOSED} does not answer (connection refused)`)
    expect(mendOf('dfdaemon')).toBe(`dfdaemon --supernode ${supernode.url}`)
    expect(said('supernode')).toMatch(/^ok/)
    expect(said('clock')).toMatch(/^ok/)
    expect(said('test-pull')).toBeUndefined()
    expect(exitCode).toBe(1)
  })

  test('says who has its port', async () => {
    const url = await served((_request, response) => response.end('hello'))
    const { said, mendOf } = await doctor(url, '--image', image)
    expect(said('dfdaemon')).toMatch(/^fail: port \d+ is taken by .+, which is no dfdaemon$/)
    expect(said('dfdaemon')).toContain(`(process ${process.pid})`)
    expect(mendOf('dfdaemon')).toContain('--listen 127.0.0.1:PORT')
    expect(said('test-pull')).toBe('fail: there is no dfdaemon to pull through')
  })

  test('says who holds its port and does not answer, in a few seconds', async () => {
    const port = await silentPort()
    const startedAt = performance.now()
    const { said } = await doctor(`http://127.0.0.1:${port}`)
    expect(said('dfdaemon')).toMatch(new RegExp(`^fail: .+ has port ${port} and does not answer$`))
    expect(said('dfdaemon')).toContain(`(process ${process.pid})`)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  test('says who has the port that its peer will want', async () => {
    const port = await silentPort()
    const { said } = await doctor(`http://${CLOSED}`, '--p2p-listen', `/ip4/127.0.0.1/tcp/${port}`)
    expect(said('peer-port')).toMatch(/^fail: .+ is taken by .+/)
    expect(said('peer-port')).toContain(`(process ${process.pid})`)
  })

  test('says what is wrong with its configuration, and looks at the rest', async () => {
    const file = join(scratch.path, 'broken.yaml')
    await writeFile(file, 'supernodes: http://typo.example\n')
    const { said, mendOf } = await doctor(node.url, '--config', file)
    expect(said('configuration')).toContain(`fail: ${file}: unknown setting supernodes`)
    expect(mendOf('configuration')).toContain(file)
    expect(said('dfdaemon')).toMatch(/^ok/)
    expect(said('link-from-supernode')).toMatch(/^ok/)
  })

  test('says that the data directory is none', async () => {
    const file = join(scratch.path, 'file')
    await writeFile(file, '')
    const { said } = await doctor(`http://${CLOSED}`, '--data-dir', file)
    expect(said('data-directory')).toBe(`fail: ${file} is not a directory`)
  })
})

describe('of the supernode', () => {
  test('warns that there is none', async () => {
    const alone = await cluster.dfdaemon()
    const { said, exitCode } = await doctor(alone.url, '--image', image)
    expect(said('supernode')).toBe('warn: none is configured, so that every pull goes to its registry')
    expect(said('test-pull')).toMatch(/^warn: .* from the registry, because this dfdaemon has no supernode/)
    expect(exitCode).toBe(0)
  })

  test('says that it does not answer, and that the test pull went to the registry', async () => {
    const lost = await cluster.dfdaemon({ supernode: `http://${CLOSED}` })
    const { said, mendOf, exitCode } = await doctor(lost.url, '--image', image)
    expect(said('supernode')).toBe(`fail: http://${CLOSED} does not answer: connection refused`)
    expect(mendOf('supernode')).toBe(`supernode --trial --http-listen ${CLOSED}   # on 127.0.0.1`)
    expect(said('test-pull')).toMatch(/^fail: .* from the registry, because /)
    expect(mendOf('test-pull')).toBe(`dfdaemon explain ${image}`)
    expect(exitCode).toBe(1)
  })

  test('does not wait long for one that is frozen', async () => {
    const frozen = await cluster.supernodeProcess()
    const follower = await cluster.dfdaemon({ supernode: frozen.url })
    await linked(follower, frozen)
    frozen.process.signal('SIGSTOP')
    onTestFinished(() => frozen.process.signal('SIGCONT'))
    const startedAt = performance.now()
    const { said, mendOf } = await doctor(follower.url)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(said('supernode')).toBe(`fail: ${frozen.url} does not answer: no answer in time`)
    expect(mendOf('supernode')).toContain(`curl --max-time 3 ${frozen.url}/_ping`)
  })

  test('says that something else answers in its place', async () => {
    const { said } = await doctor(`http://${CLOSED}`, '--supernode', node.url)
    expect(said('supernode')).toBe(`fail: what answers at ${node.url} is no supernode`)
  })

  test.each([
    ['nobody listens', () => CLOSED_ADDRESS, 'refused'],
    ['another peer answers', () => supernode.p2p()[0] ?? '', 'another peer'],
  ])('says that it does not reach the node because %s', async (_, address, reason) => {
    const hidden = await cluster.dfdaemon({ supernode: supernode.url, 'p2p.announce': address() })
    await linked(hidden, supernode)
    const { said, mendOf } = await doctor(hidden.url)
    expect(said('link-to-supernode')).toMatch(/^ok/)
    expect(said('link-from-supernode')).toContain('fail: the supernode cannot reach this node')
    expect(said('link-from-supernode')).toContain(`${address()} (${reason})`)
    expect(mendOf('link-from-supernode')).toContain('--p2p-listen')
  })

  test('says that the node does not reach it', async () => {
    const hidden = await cluster.supernode({ 'p2p.announce': CLOSED_ADDRESS })
    const apart = await cluster.dfdaemon({ supernode: hidden.url })
    const { said, mendOf } = await doctor(apart.url)
    expect(said('supernode')).toMatch(/^ok/)
    expect(said('link-to-supernode')).toBe(
      `fail: this node has no control stream to the supernode at ${CLOSED_ADDRESS}`,
    )
    expect(mendOf('link-to-supernode')).toContain('nc -vz 127.0.0.1 1')
    expect(said('link-from-supernode')).toBeUndefined()
  })

  test('warns of another clock and version, and of a supernode that cannot say whom it reaches', async () => {
    const url = await served((incoming, response) => {
      response.setHeader('date', new Date(Date.now() - 30_000).toUTCString())
      if (incoming.url === '/version') response.end(JSON.stringify({ name: 'supernode', version: '0.0.1' }))
      else response.writeHead(404).end('{}')
    })
    const follower = await cluster.dfdaemon({ supernode: url })
    const { said, mendOf, exitCode } = await doctor(follower.url)
    expect(said('clock')).toMatch(/^warn: (29|30) s ahead of the supernode$/)
    expect(mendOf('clock')).toBe('timedatectl set-ntp true')
    expect(said('versions')).toMatch(/^warn: the supernode is version 0\.0\.1/)
    expect(said('link-from-supernode')).toContain('warn: the supernode does not say')
    expect(exitCode).toBe(0)
  })
})

describe('POST /api/v1/peers/:id/dial-back', () => {
  const options = () => ({ signal: AbortSignal.timeout(5_000) })

  test('dials a peer that is linked, beside the connection that there is', async () => {
    for (let times = 0; times < 3; times++) {
      const answer = await askDialBack(supernode.url, node.peerId, options())
      expect(answer).toEqual({ linked: true, reached: expect.stringContaining('/tcp/'), failures: [] })
    }
    await linked(node, supernode)
  })

  test('dials nobody else', async () => {
    const stranger = supernode.peerId
    expect(await askDialBack(supernode.url, stranger, options())).toEqual({
      linked: false,
      reached: null,
      failures: [],
    })
  })
})
