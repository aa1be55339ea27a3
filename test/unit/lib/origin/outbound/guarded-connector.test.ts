import type { LookupAddress } from 'node:dns'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { createConnectTo } from '../../../../../dfdaemon/intercept/connect-to.ts'
import type { Resolve } from '../../../../../lib/origin/outbound/guarded-connector.ts'
import { startTestServer } from '../../../../helpers/mirror-fixture.ts'
import { readAll } from '../../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../../helpers/origin-fixture.ts'
import { policyOf } from '../../../../helpers/outbound.ts'

const fixture = createOriginFixture()
afterEach(() => fixture.close())

/** Stands for a server on the internet; all else of the loopback is denied. */
const PUBLIC = '127.0.0.2'
const DENIED = '127.0.0.1'

const OUTBOUND = policyOf({ schemes: ['http'], allowPorts: ['1-65535'], allowNetworks: [`${PUBLIC}/32`] })

/** A server that says at which address it was asked. It closes each connection, so that the next request makes a new one. */
async function startTeller() {
  const server = await startTestServer(({ socket }, response) => {
    response.writeHead(200, { connection: 'close' }).end(socket.localAddress)
  }, '0.0.0.0')
  return { server, port: Number(new URL(server.url).port) }
}

/** Gives one answer after the other, the last one for ever. */
function resolving(...answers: (readonly string[])[]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    resolve: (hostname, _options, callback) => {
      const answer = answers[Math.min(asked.push(hostname), answers.length) - 1] ?? []
      callback(
        null,
        answer.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  }
}

describe('a name', () => {
  test('that changes its meaning leads nowhere else', async () => {
    const { server, port } = await startTeller()
    const { resolve, asked } = resolving([PUBLIC], [DENIED])
    const origin = fixture.origin({ outbound: OUTBOUND }, { resolve })
    const source = { url: `http://rebind.example:${port}/`, headers: {} }
    const { body } = await origin.open(source)
    expect((await readAll(body)).toString()).toBe(PUBLIC)
    // Connected to what was looked at: nobody asked again.
    expect(asked).toEqual(['rebind.example'])
    await expect(origin.open(source)).rejects.toMatchObject({
      code: 'DENIED',
      detail: `rebind.example resolves to ${DENIED}, a loopback address: allow it with outbound.allowNetworks or name the registry under upstreams`,
    })
    expect(server.requests).toHaveLength(1)
  })

  test('with several addresses leads to those that are allowed', async () => {
    const { server, port } = await startTeller()
    const { resolve } = resolving([DENIED, '::1', '10.0.0.7', PUBLIC, '::ffff:127.0.0.1'])
    const origin = fixture.origin({ outbound: OUTBOUND }, { resolve })
    const { body } = await origin.open({ url: `http://several.example:${port}/`, headers: {} })
    expect((await readAll(body)).toString()).toBe(PUBLIC)
    expect(server.requests).toHaveLength(1)
  })

  test.each([[[]], [['169.254.169.254']], [['::ffff:127.0.0.1']], [['::1', '64:ff9b::7f00:1']]])(
    'with the addresses %j leads nowhere',
    async addresses => {
      const { server, port } = await startTeller()
      const { resolve } = resolving(addresses)
      const origin = fixture.origin({ outbound: OUTBOUND }, { resolve })
      const opening = origin.open({ url: `http://none.example:${port}/`, headers: {} })
      await expect(opening).rejects.toMatchObject({ code: addresses.length === 0 ? 'ORIGIN_UNREACHABLE' : 'DENIED' })
      expect(server.requests).toEqual([])
    },
  )

  test('that is named may be private, at its port only, and nothing that it redirects to', async () => {
    const victim = await startTeller()
    const registry = await startTestServer((_, response) =>
      response.writeHead(307, { location: `http://named.example:${victim.port}/` }).end(),
    )
    const named = new URL(registry.url.replace(DENIED, 'named.example'))
    const outbound = policyOf(
      { schemes: ['http'], allowPorts: ['1-65535'] },
      { upstreams: { r: { url: named.origin } } },
    )
    const { resolve } = resolving([DENIED])
    const origin = fixture.origin({ outbound }, { resolve })
    await expect(origin.open({ url: named.href, headers: {} })).rejects.toMatchObject({ code: 'DENIED' })
    expect(registry.requests).toHaveLength(1)
    expect(victim.server.requests).toEqual([])
  })
})

test('a tunnel goes to the address that was looked at', async () => {
  const { server, port } = await startTeller()
  const { resolve } = resolving([PUBLIC], [DENIED])
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  const connect = createConnectTo(OUTBOUND, { signal: ending.signal, resolve })
  const socket = await connect({ host: 'rebind.example', port })
  expect((socket.address() as AddressInfo).address).toMatch(/^127\./)
  expect(socket.remoteAddress).toBe(PUBLIC)
  socket.destroy()
  await expect(connect({ host: 'rebind.example', port })).rejects.toMatchObject({ code: 'DENIED' })
  await expect(connect({ host: DENIED, port })).rejects.toMatchObject({ code: 'DENIED' })
  expect(server.sockets.size).toBeLessThanOrEqual(1)
})
