import { X509Certificate } from 'node:crypto'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { request } from 'undici'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { peerKeyFromSeed } from '../../../../lib/p2p/identity.ts'
import type { CertificateAndKey } from '../../../../lib/tls/certificate.ts'
import {
  clusterCertificate,
  issueServerCertificate,
  peerCertificate,
} from '../../../../lib/tls/cluster-certificates.ts'
import { createClusterDispatcher } from '../../../../lib/tls/cluster-dispatcher.ts'
import { keysOfSeed } from '../../../../protocol/ed25519-seed.ts'
import { seededBytes } from '../../../helpers/blob.ts'
import { createSelfSigned } from '../../../helpers/self-signed.ts'
import { startTlsServer } from '../../../helpers/tls-server.ts'

const HOUR_MS = 3_600_000
const cluster = keysOfSeed(seededBytes(32, 'cluster'))
const other = keysOfSeed(seededBytes(32, 'another cluster'))
const PEER_SEED = seededBytes(32, 'peer')

const stack = new AsyncDisposableStack()
const opened: { destroy(): Promise<void> }[] = []
let genuine: CertificateAndKey
let peer: CertificateAndKey

beforeAll(async () => {
  genuine = await issued(cluster, -HOUR_MS, HOUR_MS)
  peer = await peerCertificate(keysOfSeed(PEER_SEED))
  return () => stack.disposeAsync()
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map(dispatcher => dispatcher.destroy()))
})

function issued(by: typeof cluster, fromMs: number, toMs: number): Promise<CertificateAndKey> {
  const now = Date.now()
  return issueServerCertificate(by, ['127.0.0.1'], { notBeforeMs: now + fromMs, notAfterMs: now + toMs })
}

async function ownCertificate(): Promise<CertificateAndKey> {
  const { cert, key } = createSelfSigned()
  return { certificate: cert, key }
}

async function ask(url: string, certificate?: CertificateAndKey, clusterKey = cluster.publicKey): Promise<unknown> {
  const dispatcher = createClusterDispatcher({ clusterKey, certificate })
  opened.push(dispatcher)
  return (await request(url, { dispatcher })).body.json()
}

describe('a server of the cluster', () => {
  test('is known by the key that signed its certificate, and knows its client by the key of the client', async () => {
    await using server = await startTlsServer(genuine)
    const id = peerIdFromPrivateKey(peerKeyFromSeed(PEER_SEED)).toString()
    expect(await ask(server.url, peer)).toEqual({ peer: id })
    expect(await ask(server.url)).toEqual({ peer: null })
  })

  test('keeps knowing its client on connections that come later', async () => {
    await using server = await startTlsServer(genuine)
    const dispatcher = createClusterDispatcher({ clusterKey: cluster.publicKey, certificate: peer })
    opened.push(dispatcher)
    const answers = []
    for (let at = 0; at < 3; at++) {
      const options = { dispatcher, headers: { connection: 'close' } }
      answers.push(await (await request(server.url, options)).body.text())
    }
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('12D3KooW')
  })
})

describe('nothing is sent to', () => {
  test.each([
    ['a server of another cluster', () => issued(other, -HOUR_MS, HOUR_MS), /not of this cluster/],
    ['a server with a certificate of its own', ownCertificate, /not of this cluster/],
    ['a server whose certificate has expired', () => issued(cluster, -2 * HOUR_MS, -HOUR_MS), /has expired/],
    ['a server whose certificate is of the future', () => issued(cluster, HOUR_MS, 2 * HOUR_MS), /not valid yet/],
    ['a peer that shows its own certificate', async () => peer, /not of this cluster/],
  ])('%s', async (_what, certificate, problem) => {
    await using server = await startTlsServer(await certificate())
    await expect(ask(server.url, peer)).rejects.toThrow(problem)
    expect(server.requests).toEqual([])
  })

  test('an http: URL', async () => {
    await using server = await startTlsServer(genuine)
    await expect(ask(server.url.replace('https:', 'http:'), peer)).rejects.toThrow(/it is not https/)
  })
})

test('a cluster key that is none is refused before any connection', () => {
  expect(() => createClusterDispatcher({ clusterKey: 'none' })).toThrowError(
    expect.objectContaining({ code: 'TOKEN_INVALID' }),
  )
})

test("a cluster's certificate is the same each time, and vouches for its servers", async () => {
  const certificate = await clusterCertificate(cluster)
  expect(await clusterCertificate(cluster)).toBe(certificate)
  const authority = new X509Certificate(certificate)
  expect(authority.ca).toBe(true)
  expect(new X509Certificate(genuine.certificate).checkIssued(authority)).toBe(true)
  expect(new X509Certificate(genuine.certificate).verify(authority.publicKey)).toBe(true)
})
