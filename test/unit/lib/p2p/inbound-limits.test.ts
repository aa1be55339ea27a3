import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { createInboundLimits, type LimitedNode } from '../../../../lib/p2p/inbound-limits.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'

/** A connection whose handshake has yet to come. */
function incoming(address: string): MultiaddrConnection & EventTarget {
  return Object.assign(new EventTarget(), { remoteAddr: multiaddr(address) }) as never
}

/** A node with the connections that a test gives it. */
function fakeNode() {
  const connections: Connection[] = []
  const opened = new EventTarget()
  const ended: string[] = []
  function open(name: string, streams: number, { peer = 'peer', direction = 'inbound' } = {}): void {
    const connection = {
      ...{ direction, streams: Array.from({ length: streams }) },
      remotePeer: { name: peer, equals: (other: { name: string }) => other.name === peer },
      abort() {
        ended.push(name)
        connections.splice(connections.indexOf(connection as never), 1)
      },
    }
    connections.push(connection as never)
    opened.dispatchEvent(Object.assign(new Event('connection:open'), { detail: connection }))
  }
  const node: LimitedNode = {
    getConnections: () => [...connections],
    addEventListener: opened.addEventListener.bind(opened) as never,
  }
  return { node, ended, open }
}

test('one address has so many connections, as they end others may come', async () => {
  const { gater } = createInboundLimits({ clock: createManualClock(), maxPerAddress: 2 })
  const denied = (address: string) => gater.denyInboundConnection?.(incoming(address))
  const first = incoming('/ip4/192.0.2.1/tcp/1')
  expect([gater.denyInboundConnection?.(first), denied('/ip4/192.0.2.1/tcp/2')]).toEqual([false, false])
  expect([denied('/ip4/192.0.2.1/tcp/3'), denied('/ip4/192.0.2.2/tcp/3')]).toEqual([true, false])
  first.dispatchEvent(new Event('close'))
  expect([denied('/ip4/192.0.2.1/tcp/4'), denied('/ip4/192.0.2.1/tcp/5')]).toEqual([false, true])
  for (let port = 1; port < 9; port++) {
    expect([denied(`/ip4/127.0.0.1/tcp/${port}`), denied(`/ip6/::1/tcp/${port}`)]).toEqual([false, false])
  }
  expect(['::1', '::2', ':1::1'].map(end => denied(`/ip6/2001:db8:0${end}/tcp/1`))).toEqual([false, false, false])
  expect(denied('/ip6/2001:db8::3/tcp/1')).toBe(true)
})

test('one peer has at most eight connections; an unused one ends for the next', () => {
  const { node, ended, open } = fakeNode()
  createInboundLimits({ clock: createManualClock(), maxPerAddress: 100 }).watch(node)
  for (let at = 0; at < 8; at++) open(`${at}`, at === 3 ? 0 : 1)
  open('other', 0, { peer: 'other' })
  open('ours', 0, { direction: 'outbound' })
  expect(ended).toEqual([])
  open('8', 1)
  open('9', 1)
  expect(ended).toEqual(['3', '9'])
})

test('a connection that has no stream for two minutes ends, unless we opened it', () => {
  const clock = createManualClock()
  const { node, ended, open } = fakeNode()
  const stop = createInboundLimits({ clock, maxPerAddress: 100 }).watch(node)
  open('unused', 0)
  open('used', 1)
  open('ours', 0, { direction: 'outbound' })
  clock.advance(120_000)
  expect(ended).toEqual([])
  clock.advance(15_000)
  expect(ended).toEqual(['unused'])
  stop()
  open('late', 0)
  clock.advance(600_000)
  expect(ended).toEqual(['unused'])
})
