import { expect, test } from 'vitest'
import { SupernodeLink } from '../../../dfget/peer/swarm/supernode-link.ts'
import { ClusterClock } from '../../../lib/cluster-clock.ts'
import { silentLogger } from '../../../lib/logger.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { RegistrationRequest } from '../../../protocol/messages/registration.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'

const node: P2pNode = {
  peerId: '12D3KooWTest',
  addresses: () => [],
  dial: () => Promise.reject(new Error('not in this test')),
  handle: async () => {},
  expel() {},
  start: async () => {},
  stop: async () => {},
}

/** What a registration sends for a source. */
async function sentFor(source: Source): Promise<RegistrationRequest['source'] | undefined> {
  let sent: RegistrationRequest | undefined
  const refuse = (body?: RegistrationRequest) => {
    sent = body
    return Promise.reject(new DamselflyError('DENIED'))
  }
  const client = { register: refuse, cluster: () => refuse() }
  const listener = { message() {}, linked() {}, unlinked() {} }
  const components = { client, node, clock: new ClusterClock(createManualClock()), logger: silentLogger(), listener }
  const link = new SupernodeLink(components, { labels: {}, keeps: false, fetches: false })
  const registering = link.register({ source, inline: false }, { signal: new AbortController().signal })
  await expect(registering).rejects.toMatchObject({ code: 'DENIED' })
  return sent?.source
}

test.each<Source>([
  { url: 'http://r.example/x', headers: { a: 'b' } },
  { url: 'http://r.example/x', headers: {}, digest: digestOf(Buffer.from('x')) },
  { url: 'http://r.example/x', headers: {}, credentials: { username: 'robot$a', password: 'p' } },
  { url: 'http://r.example/x', headers: {}, credentials: { identityToken: 't' } },
])('a registration sends all that the supernode needs to read the origin: %o', async source => {
  expect(await sentFor(source)).toEqual(source)
})
