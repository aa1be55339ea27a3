import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { request } from 'undici'
import type { DaemonClient } from '../dfdaemon/client/daemon-client.ts'
import { DamselflyError } from '../protocol/errors.ts'
import { KeyField, SizeField } from '../protocol/messages/fields.ts'
import { counterValue } from './counter-value.ts'

/** What has left the origin so far. */
export interface OriginReading {
  /** Blob bytes, without manifests. */
  readonly sentBytes: number
  /** The same for each blob, when the origin tells. */
  readonly sentBytesByDigest?: ReadonlyMap<string, number>
}

/** Reads how much left the origin. */
export interface OriginMeter {
  /** Where the number comes from, to be shown with it. */
  readonly countedBy: string
  read(options: { signal: AbortSignal }): Promise<OriginReading>
}

/** The counter of what a dfdaemon reads from origins itself. */
export const PEER_ORIGIN_COUNTER = 'damselfly_peer_origin_bytes_total'
const SUPERNODE_ORIGIN_COUNTER = 'damselfly_supernode_origin_bytes_total'

const StatsAnswer = Type.Object({
  totalBlobBytes: SizeField,
  blobs: Type.Record(KeyField, Type.Object({ bytesSent: SizeField })),
})

/** Asks registry-mock, whose counters are exact. */
export function createRegistryMeter(registryUrl: string): OriginMeter {
  return {
    countedBy: "the registry's own counters",
    async read({ signal }) {
      const answer: unknown = JSON.parse(await get(`${registryUrl}/_stats`, signal))
      if (!Value.Check(StatsAnswer, answer)) throw new DamselflyError('ORIGIN_FAILED', 'unexpected form of /_stats')
      const byDigest = Object.entries(answer.blobs).map(([digest, { bytesSent }]) => [digest, bytesSent] as const)
      return { sentBytes: answer.totalBlobBytes, sentBytesByDigest: new Map(byDigest) }
    },
  }
}

/** Adds up what the supernode and the dfdaemons say that they have read, for an origin that tells nothing. */
export function createReaderMeter(supernodeUrl: string, daemons: readonly DaemonClient[]): OriginMeter {
  return {
    countedBy: 'the counters of the supernode and the dfdaemons',
    async read({ signal }) {
      const [supernode, ...nodes] = await Promise.all([
        get(`${supernodeUrl}/metrics`, signal),
        ...daemons.map(daemon => daemon.metrics({ signal })),
      ])
      const read = nodes.map(text => counterValue(text, PEER_ORIGIN_COUNTER))
      const sentBytes = read.reduce((sum, bytes) => sum + bytes, counterValue(supernode, SUPERNODE_ORIGIN_COUNTER))
      return { sentBytes }
    },
  }
}

async function get(url: string, signal: AbortSignal): Promise<string> {
  const { statusCode, body } = await request(url, { signal })
  const text = await body.text()
  if (statusCode === 200) return text
  throw new DamselflyError('ORIGIN_FAILED', `${new URL(url).pathname} answered with status ${statusCode}`)
}
