import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, createSecureContext } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificateAuthority, makeLeaf } from '../../../../dfdaemon/intercept/certificates.ts'
import { createInterceptedServer } from '../../../../dfdaemon/intercept/intercepted-server.ts'
import { createOwnedSockets } from '../../../../dfdaemon/intercept/owned-sockets.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { testGuard } from '../../../helpers/connection-guard.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { dial, listening, validNow } from './intercept-fixture.ts'

const TARGET = { host: 'localhost', port: 443 }

/** A server whose every client is intercepted. */
async function start() {
  const clock = createManualClock()
  const sockets = createOwnedSockets()
  const authority = await makeCertificateAuthority(['localhost'], validNow())
  const { certificate: cert, key } = await makeLeaf(authority, 'localhost', validNow())
  const server = createInterceptedServer(
    { clock, logger: silentLogger(), sockets, protection: testGuard({ headersSeconds: 0.1 }) },
    (_request, response, target) => void response.end(target.host),
  )
  onTestFinished(() => {
    sockets.destroyAll()
    server.stop()
  })
  const accepted = Promise.withResolvers<void>()
  const outcomes: boolean[] = []
  const port = await listening(
    createServer({ allowHalfOpen: true }, client => {
      sockets.add(client)
      server.accept(client, createSecureContext({ cert, key }), TARGET, secure => outcomes.push(secure))
      accepted.resolve()
    }),
  )
  return { port, clock, outcomes, accepted: accepted.promise, ca: authority.certificate }
}

test('a client that does not finish its headers is told so and cut off', async () => {
  const { port, ca, outcomes } = await start()
  const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
  await once(client, 'secureConnect')
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n')
  expect(await text(client)).toMatch(/^HTTP\/1\.1 408 /)
  expect(outcomes).toEqual([true])
})

test('a client that does not begin TLS is cut off', async () => {
  const { port, clock, outcomes, accepted } = await start()
  const client = await dial(port)
  await accepted
  clock.advance(9_999)
  expect(outcomes).toEqual([])
  clock.advance(1)
  await once(client.resume(), 'end')
  expect(outcomes).toEqual([false])
})
