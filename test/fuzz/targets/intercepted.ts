import assert from 'node:assert/strict'
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { startCluster } from '../../helpers/cluster.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import type { FuzzTarget } from '../engine/target.ts'
import { checkResponses, startRawClient } from './http-server.ts'
import { onlyReach } from './only-this-registry.ts'
import { blobDigest, pushImage } from './server-content.ts'
import { FRAMING, METHODS, wire as mirrorWire, PATHS, serverOf } from './servers.ts'

const HOST = 'r.example'
const ESTABLISHED = 'HTTP/1.1 200 '
/** A request to the intercepted host. */
const wire = (...given: Parameters<typeof mirrorWire>): Uint8Array =>
  Buffer.from(
    Buffer.from(mirrorWire(...given))
      .toString('latin1')
      .replace('Host: mirror', `Host: ${HOST}`),
    'latin1',
  )

/** How long a good request may take, and any other may be quiet. */
const ANSWER_MS = 10_000
const QUIET_MS = 10
const GOOD = wire('GET /v2/')
/** The good request is sent after every so many others. */
const GOOD_EVERY = 64
/** After it the server ends the connection. */
const END = Buffer.from('GET /end HTTP/1.1\r\nHost: r.example\r\nConnection: close\r\n\r\n')

const intercepted: FuzzTarget = {
  name: 'intercepted-tls',
  about: 'requests inside of intercepted TLS, from the first byte of a connection on',
  isProgram: true,
  maxBytes: 16 * 1024,
  dictionary: [...FRAMING, ...PATHS, ...METHODS, `Host: ${HOST}\r\n`, `https://${HOST}`],
  seeds: () => [
    wire('GET /v2/'),
    wire(`GET /v2/library/test/blobs/${blobDigest}`, ['Range: bytes=0-9']),
    wire('HEAD /v2/library/test/manifests/latest', ['Authorization: Basic Og==', 'Accept: */*']),
    wire('POST /v2/library/test/blobs/uploads/', [], '{}'),
    wire(`GET https://${HOST}/file.bin`, ['Upgrade: websocket', 'Connection: upgrade']),
    wire('CONNECT other.example:443'),
    Buffer.concat([wire('GET /file.bin', ['If-None-Match: "x"']), wire('GET /a?b')]),
  ],
  growthMiB: { heap: 48, rss: 192 },
  async open() {
    const stack = new AsyncDisposableStack()
    const cluster = stack.use(await startCluster())
    await pushImage(cluster.registry)
    const { host } = cluster.registry
    const program = await cluster.dfdaemon(
      { 'intercept.enabled': 'true', 'intercept.hosts': HOST },
      { intercept: { rules: [{ regex: '/v2/', action: 'redirect', redirect: `http://${host}` }] } },
    )
    const server = await serverOf(program.url)
    const scratch = stack.use(await createScratchDirectory('/dev/shm'))
    const client = await startRawClient(server, scratch.path)
    stack.defer(() => client.close())
    stack.defer(onlyReach(Number(new URL(cluster.registry.url).port)))
    let session: Buffer | undefined
    async function ask(bytes: Uint8Array, patienceMs: number): Promise<string> {
      const socket = await tunnelled(client.path)
      // A session that is taken up again costs less than a handshake.
      const secure = connectTls({ socket, servername: HOST, rejectUnauthorized: false, ...(session && { session }) })
      secure.once('session', given => {
        session = given
      })
      return exchange(secure, bytes, patienceMs)
    }
    let turns = 0
    return {
      async run(input) {
        checkResponses(await ask(input, QUIET_MS))
        if (turns++ % GOOD_EVERY === 0) assert.match(await ask(GOOD, ANSWER_MS), /^HTTP\/1\.1 200 /)
      },
      close: () => stack.disposeAsync(),
    }
  },
}

/** A connection through which a server seems to be reached. */
async function tunnelled(path: string): Promise<Socket> {
  const socket = connectSocket(path)
  socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  socket.once('data', resolve)
  socket.once('error', reject)
  const answer = (await promise).toString('latin1')
  if (!answer.startsWith(ESTABLISHED)) throw new Error(`no tunnel: ${answer}`)
  return socket
}

/**
 * All that comes back. A server waits for the rest of what is no whole request, and a TLS connection has no half that could be closed
 * to say that there is none: so it is ended when it has been quiet for a while.
 */
function exchange(secure: TLSSocket, input: Uint8Array, patienceMs: number): Promise<string> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    const quiet = setTimeout(() => secure.destroy(), patienceMs)
    secure.on('data', chunk => {
      chunks.push(chunk)
      quiet.refresh()
    })
    // A connection that the server resets is closed, which is an answer too.
    secure.on('error', () => {})
    secure.once('end', () => secure.destroy())
    secure.once('close', () => {
      clearTimeout(quiet)
      resolve(Buffer.concat(chunks).toString('latin1'))
    })
    secure.write(input)
    secure.write(END)
  })
}

/** The proxy, in the place of servers. */
export const INTERCEPTED_TARGETS: readonly FuzzTarget[] = [intercepted]
