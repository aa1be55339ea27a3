/*
 * A client as a process of a benchmark: gets URLs as cheaply as Node can, and hashes nothing unless it is asked to.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { answerParent } from '../measure/answer-parent.ts'
import type { BlobRequest, Got } from './client-program.ts'

// Clients of registries keep their connections.
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

answerParent({
  async get({ url, sizeBytes }: BlobRequest): Promise<Got> {
    const startedAt = performance.now()
    let received = 0
    await receive(url, sizeBytes, chunk => {
      received += chunk.length
    })
    const elapsedMs = performance.now() - startedAt
    if (received !== sizeBytes) throw new Error(`${url} gave ${received} bytes instead of ${sizeBytes}`)
    return { elapsedMs }
  },
  async digest({ url, sizeBytes }: BlobRequest): Promise<string> {
    const hash = createHash('sha256')
    await receive(url, sizeBytes, chunk => hash.update(chunk))
    return `sha256:${hash.digest('hex')}`
  },
})

async function receive(url: string, sizeBytes: number, take: (chunk: Buffer) => void): Promise<void> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]
  const { statusCode, headers } = response
  if (statusCode !== 200 || headers['content-length'] !== `${sizeBytes}`) {
    throw new Error(`${url} was answered with status ${statusCode} and ${headers['content-length']} bytes`)
  }
  response.on('data', take)
  await once(response, 'end')
}
