import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { encodeS3 } from '../../lib/origin/s3/s3-url.ts'
import { createScratchDirectory } from './scratch-directory.ts'

/** The account that the store knows. */
export const S3_ACCOUNT = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

/** What a store tells of itself. */
export interface S3ServerState {
  /** Requests whose answer is not at its end. */
  readonly held: number
  /** What was written to all connections so far. */
  readonly takenBytes: number
}

/** An S3 store on a free port of the loopback, which verifies signatures and lets those without any read and write, too. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  put(bucket: string, key: string, content: Buffer): Promise<void>
  state(): Promise<S3ServerState>
}

/** Starts a store with some empty buckets; the test disposes of it. */
export async function startS3Server(...buckets: string[]): Promise<S3Server> {
  const directory = await createScratchDirectory()
  const main = fileURLToPath(new URL('s3-server-process.ts', import.meta.url))
  const child = fork(main, [directory.path, ...buckets], { execArgv: ['--openssl-legacy-provider'] })
  const { port } = await nextMessage<{ port: number }>(child)
  const endpoint = `http://127.0.0.1:${port}`
  const stored = new Map<string, Buffer>()
  return {
    endpoint,
    async put(bucket, key, content) {
      // Putting large content takes long.
      if (stored.get(`${bucket}/${key}`) === content) return
      const path = key.split('/').map(encodeS3).join('/')
      const response = await fetch(`${endpoint}/${bucket}/${path}`, { method: 'PUT', body: new Uint8Array(content) })
      if (!response.ok) throw new Error(`the store answered ${response.status}: ${await response.text()}`)
      await response.body?.cancel()
      stored.set(`${bucket}/${key}`, content)
    },
    state() {
      child.send('state')
      return nextMessage<S3ServerState>(child)
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
      await directory[Symbol.asyncDispose]()
    },
  }
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const waiting = new AbortController()
  const { signal } = waiting
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the store ended with ${code}`)
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [T]
    return message
  } finally {
    ended.catch(() => {})
    waiting.abort()
  }
}
