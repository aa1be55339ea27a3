import { Agent } from 'node:http'
import { type Digest, digestAlgorithm, digestOf } from '../../protocol/digest.ts'
import type { BlobFetch } from './blob-fetches.ts'
import { type ClientAnswer, type ClientRequest, sendRequest } from './client-request.ts'

/** A client that pulls an image with the requests that the real one was seen to send (contracts §2, §3). */
export interface RecordedClient {
  readonly userAgent: string
  /** How the mirror learns the registry: not at all, from `ns`, from a path before the repository, or before `/v2/`. */
  readonly names: 'nothing' | 'ns' | 'path' | 'mirror path'
  /** Whether connections are used again. */
  readonly keepsAlive: boolean
  /** Whether `/v2/` is asked first. */
  readonly pings: boolean
  /** How the tag becomes a manifest. */
  readonly resolves: 'by HEAD' | 'by GET'
  /** `Accept` of requests for manifests, a line for each. */
  readonly accept: readonly string[]
  readonly authorization?: string
  /** Headers of requests for blobs. */
  readonly blobHeaders?: Readonly<Record<string, string>>
  readonly fetch: BlobFetch
  /** Blobs that are fetched at the same time. */
  readonly downloads: number
  /** What is asked for beside the image: what refers to it, by the API or by the tag of cosign. */
  readonly asides: readonly ('referrers' | 'signature tag')[]
}

/** What a client pulls, through which mirror. */
export interface RecordedPull {
  readonly mirror: string
  /** `host:port` of the registry. */
  readonly registry: string
  readonly repository: string
  readonly tag: string
}

/** What a pull brought, all of it with the digests that it was asked for by. */
export interface PulledImage {
  readonly manifest: Digest
  readonly blobs: readonly Digest[]
  /** Statuses of the answers to the asides. */
  readonly asides: readonly number[]
}

/** Pulls an image as the client does. @throws Error at the first answer that would make the client fail */
export async function pullAs(client: RecordedClient, pull: RecordedPull): Promise<PulledImage> {
  const agent = new Agent({ keepAlive: true })
  const connection = client.keepsAlive ? { agent } : {}
  const own = { 'user-agent': client.userAgent, ...(client.authorization && { authorization: client.authorization }) }
  const asked = (headers: ClientRequest['headers']) => ({ ...connection, headers: { ...own, ...headers } })
  const urlOf = (path: string) => urlAt(client, pull, path)

  async function manifest(reference: string, method: 'GET' | 'HEAD' = 'GET'): Promise<ClientAnswer> {
    const answer = await sendRequest(urlOf(`manifests/${reference}`), { method, ...asked({ accept: client.accept }) })
    if (answer.status !== 200) throw new Error(`${method} of ${reference} was answered with ${answer.status}`)
    return answer
  }

  /** The manifest's digest and bytes; a client that got the digest from HEAD holds the bytes to it. */
  async function resolve(): Promise<{ digest: Digest; body: Buffer }> {
    if (client.resolves === 'by GET') {
      const { body } = await manifest(pull.tag)
      return { digest: digestOf(body), body }
    }
    const { headers } = await manifest(pull.tag, 'HEAD')
    const { body } = await manifest(String(headers['docker-content-digest']))
    const digest = digestOf(body)
    const isSame = digest === headers['docker-content-digest'] && String(body.length) === headers['content-length']
    if (!isSame) throw new Error('the manifest is not what HEAD told of it')
    return { digest, body }
  }

  async function blob(digest: Digest): Promise<Digest> {
    const bytes = await client.fetch(urlOf(`blobs/${digest}`), asked(client.blobHeaders ?? {}))
    const found = digestOf(bytes, digestAlgorithm(digest))
    if (found !== digest) throw new Error(`${digest} came as ${found}`)
    return digest
  }

  async function aside(kind: RecordedClient['asides'][number], digest: Digest): Promise<number> {
    const path = kind === 'referrers' ? `referrers/${digest}` : `manifests/${digest.replace(':', '-')}.sig`
    return (await sendRequest(urlOf(path), asked({ accept: client.accept }))).status
  }

  try {
    if (client.pings) {
      const { status } = await sendRequest(urlAt(client, pull), asked({}))
      if (status !== 200 && status !== 401) throw new Error(`the ping was answered with ${status}`)
    }
    const { digest, body } = await resolve()
    const asides: number[] = []
    for (const kind of client.asides) asides.push(await aside(kind, digest))
    const { config, layers } = JSON.parse(body.toString()) as Record<'config', Named> & Record<'layers', Named[]>
    const wanted = [config, ...layers].map(named => named.digest)
    return { manifest: digest, blobs: await inTurns(wanted, client.downloads, blob), asides }
  } finally {
    agent.destroy()
  }
}

interface Named {
  readonly digest: Digest
}

/** Does the work for each item, so many at a time; the results are in the order of the items. */
async function inTurns<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const rest = [...items.entries()]
  const turn = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) results[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: atOnce }, turn))
  return results
}

/** The URL of a path in the repository, or of the ping without one. */
function urlAt({ names }: RecordedClient, { mirror, registry, repository }: RecordedPull, path?: string): string {
  const base = names === 'mirror path' ? `${mirror}/${registry}/v2/` : `${mirror}/v2/`
  if (path === undefined) return base
  // A reference with a second colon is none for podman and CRI-O; containerd's way to write a port is.
  const name = names === 'path' ? `${registry.replace(':', '_')}/${repository}` : repository
  return `${base}${name}/${path}${names === 'ns' ? `?ns=${encodeURIComponent(registry)}` : ''}`
}
