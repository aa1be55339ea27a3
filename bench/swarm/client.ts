/*
 * The client of the swarm benchmark, one process for each node: node client.ts URL REPOSITORY REFERENCE. It says "ready", waits
 * for SIGUSR2, pulls as a container runtime does, hashes what it gets, and prints a `ClientReport` as one line of JSON.
 */
import { type ImageContent, pullImage } from '../../trial/pull-client.ts'
import type { ClientReport } from './figures.ts'

const [, , mirrorUrl = '', repository = '', reference = ''] = process.argv
const start = Promise.withResolvers<void>()
// A process that only waits for a signal would end.
const alive = setInterval(() => {}, 60_000)
process.once('SIGUSR2', () => start.resolve())
process.stdout.write('ready\n')
await start.promise
clearInterval(alive)
process.stdout.write(`${JSON.stringify(await pull())}\n`)

async function pull(): Promise<ClientReport> {
  const startedAt = now()
  const cpuBefore = process.cpuUsage()
  let image: ImageContent | undefined
  let received = 0
  let firstByteAt = 0
  const { manifestDigest, imageBytes } = await pullImage(
    { mirrorUrl, repository, reference },
    {
      planned(content) {
        image = content
      },
      received(bytes) {
        received += bytes
        // More than the config, so a layer has begun.
        if (firstByteAt === 0 && image !== undefined && received > image.config.sizeBytes) firstByteAt = now()
      },
      verified() {},
    },
    { signal: new AbortController().signal },
  )
  const { user, system } = process.cpuUsage(cpuBefore)
  return { startedAt, firstByteAt, endedAt: now(), manifestDigest, imageBytes, cpuSeconds: (user + system) / 1e6 }
}

/** Milliseconds since 1970 with fractions: a scale that all clients share. */
function now(): number {
  return performance.timeOrigin + performance.now()
}
