import { type Line, span } from './progress/text.ts'
import type { Cluster } from './start-cluster.ts'
import type { TrialSummary } from './summary.ts'

/** What `--keep` tells: where everything is, and how to try a pull. */
export function describeCluster(cluster: Cluster, { blobs }: Pick<TrialSummary, 'blobs'>): Line[] {
  const { registry, supernodeUrl, nodes, repository, reference } = cluster
  const place = (name: string, url: string, more = '') => [span(`  ${name.padEnd(11)}`), span(url), span(more, 'dim')]
  const [first] = nodes
  const mirror = first?.url ?? ''
  const [blob] = blobs
  return [
    [span('Everything is still running. Ctrl-C ends it.', 'bold')],
    place('registry', registry),
    place('supernode', supernodeUrl, '  /api/v1/tasks  /api/v1/peers  /metrics'),
    ...nodes.map(({ name, url }, index) => place(name, url, index === 0 ? '  /api/v1/tasks  /metrics' : '')),
    [],
    [span('Try a pull', 'bold')],
    ...(blob === undefined ? [] : [[span(`  curl -s ${mirror}/v2/${repository}/blobs/${blob.digest} | sha256sum`)]]),
    [span(`  podman pull --tls-verify=false ${new URL(mirror).host}/${repository}${suffix(reference)}`)],
  ]
}

function suffix(reference: string): string {
  return reference.includes(':') ? `@${reference}` : `:${reference}`
}
