import { join } from 'node:path'
import { Type } from 'typebox'
import { createDaemonClient, type DaemonClient } from '../dfdaemon/client/daemon-client.ts'
import type { Digest } from '../protocol/digest.ts'
import { parseImageReference } from '../protocol/image-reference.ts'
import { DigestField } from '../protocol/messages/fields.ts'
import type { TrialConfig } from './config.ts'
import { createReaderMeter, createRegistryMeter, type OriginMeter } from './origin-meter.ts'
import type { Programs } from './programs.ts'

/** A node of the trial: one dfdaemon process. */
export interface TrialNode {
  readonly name: string
  /** `http://host:port` of its mirror and local API. */
  readonly url: string
  readonly daemon: DaemonClient
}

/** What pulls from where. */
export interface Cluster {
  /** URL of the generated image's registry, or the host of a real one. */
  readonly registry: string
  /** What is pulled, as a person would name it. */
  readonly image: string
  readonly supernodeUrl: string
  readonly nodes: readonly TrialNode[]
  readonly repository: string
  readonly reference: string
  /** What the manifest must hash to, when it is known from elsewhere than the pull. */
  readonly manifestDigest: Digest | undefined
  readonly meter: OriginMeter
}

/** What the trial needs to start programs. */
export interface ClusterComponents {
  readonly programs: Programs
  /** Directory below which each program gets its own. */
  readonly directory: string
  /** Hears when a part is up. */
  readonly started: (part: string, detail: string) => void
}

const START_TIMEOUT_MS = 60_000
/** The registry hashes its image before it is ready; no machine that can run this does less. */
const HASHED_BYTES_PER_MS = 20_000

const REPOSITORY = 'library/demo'
const TAG = 'v1'

const RegistryReady = Type.Object({ url: Type.String(), image: Type.Object({ digest: DigestField }) })
const SupernodeReady = Type.Object({ http: Type.String() })
const DaemonReady = Type.Object({ http: Type.String() })

interface Upstream extends Pick<Cluster, 'registry' | 'image' | 'repository' | 'reference' | 'manifestDigest'> {
  /** What the dfdaemons take for the registry of requests that name none. */
  readonly host: string
}

/** Starts registry (unless the image is a real one), supernode and dfdaemons. @throws what `Programs.start` throws */
export async function startCluster(
  components: ClusterComponents,
  config: TrialConfig,
  options: { signal: AbortSignal },
): Promise<Cluster> {
  const { programs, directory, started } = components

  const common = ['--trial', '--log-level', 'warn']

  async function startSupernode(): Promise<string> {
    const args = ['--http-listen', '127.0.0.1:0', '--data-dir', join(directory, 'supernode'), ...common]
    const init = { program: 'supernode', label: 'supernode', args, ready: SupernodeReady } as const
    const { http } = await programs.start({ ...init, startTimeoutMs: START_TIMEOUT_MS }, options)
    started('supernode', http)
    return http
  }

  async function startNode(index: number, supernodeUrl: string, { host }: Upstream): Promise<TrialNode> {
    const name = `node ${index + 1}`
    const places = ['--listen', '127.0.0.1:0', '--socket', '', '--data-dir', join(directory, `node-${index + 1}`)]
    const args = [...places, '--supernode', supernodeUrl, '--default-upstream', host, ...common]
    const init = { program: 'dfdaemon', label: `dfdaemon of ${name}`, args, ready: DaemonReady } as const
    const { http } = await programs.start({ ...init, startTimeoutMs: START_TIMEOUT_MS }, options)
    return { name, url: http, daemon: createDaemonClient(http) }
  }

  const [upstream, supernodeUrl] = await Promise.all([openUpstream(components, config, options), startSupernode()])
  const indices = Array.from({ length: config.nodes }, (_, index) => index)
  const nodes = await Promise.all(indices.map(index => startNode(index, supernodeUrl, upstream)))
  started(nodes.length === 1 ? '1 dfdaemon' : `${nodes.length} dfdaemons`, 'a process for each node')
  const meter =
    config.image === undefined
      ? createRegistryMeter(upstream.registry)
      : createReaderMeter(
          supernodeUrl,
          nodes.map(node => node.daemon),
        )
  return { ...upstream, supernodeUrl, nodes, meter }
}

async function openUpstream(
  { programs, started }: ClusterComponents,
  { image, size, layers }: TrialConfig,
  options: { signal: AbortSignal },
): Promise<Upstream> {
  if (image !== undefined) {
    const { registry, ...named } = parseImageReference(image)
    return { registry, host: registry, image, ...named, manifestDigest: undefined }
  }
  const name = ['--image-repository', REPOSITORY, '--image-tag', TAG]
  const args = ['--listen', '127.0.0.1:0', ...name, '--image-layers', `${layers}`, '--image-size', `${size}`]
  const startTimeoutMs = START_TIMEOUT_MS + size / HASHED_BYTES_PER_MS
  const init = { program: 'registry-mock', label: 'registry-mock', args, ready: RegistryReady, startTimeoutMs } as const
  const { url, image: generated } = await programs.start(init, options)
  started('registry', url)
  const place = { registry: url, host: new URL(url).host, image: `${REPOSITORY}:${TAG}` }
  return { ...place, repository: REPOSITORY, reference: TAG, manifestDigest: generated.digest }
}
