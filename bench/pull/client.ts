/*
 * The client of the pull benchmark, a process of its own for each pull, so that nothing but the address differs between one
 * from the registry and one through a dfdaemon: node client.ts pull|first-bytes URL REPOSITORY REFERENCE. Prints one line of
 * JSON.
 */
import { pullBlob } from '../../test/helpers/pull.ts'
import { type ImageContent, type PullInit, pullImage } from '../../trial/pull-client.ts'

const [, , mode, mirrorUrl = '', repository = '', reference = ''] = process.argv
const init = { mirrorUrl, repository, reference }
const result = mode === 'pull' ? await timePull(init) : await timeFirstBytes(init)
process.stdout.write(`${JSON.stringify(result)}\n`)

async function timePull(pull: PullInit) {
  const startedAt = performance.now()
  const { imageBytes } = await pullWhole(pull)
  return { elapsedMs: performance.now() - startedAt, imageBytes }
}

/** One blob after the other, so that each answer has the machine to itself. */
async function timeFirstBytes(pull: PullInit) {
  const { config, layers } = await pullWhole(pull)
  const firstBytesMs: number[] = []
  for (const { digest } of [config, ...layers]) {
    const { firstByteMs } = await pullBlob({ url: pull.mirrorUrl }, { repository: pull.repository, digest })
    firstBytesMs.push(firstByteMs)
  }
  return { firstBytesMs }
}

function pullWhole(pull: PullInit): Promise<ImageContent> {
  const ignore = { planned() {}, received() {}, verified() {} }
  return pullImage(pull, ignore, { signal: new AbortController().signal })
}
