import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { waitFor } from '../helpers/wait.ts'

/** Enough to start, and few enough to run out. */
const OPEN_FILES = 128
const CLIENTS = 400
const TIMEOUT_MS = 60_000

test(
  'a dfdaemon with few file descriptors says so, and outlives clients that use them all up',
  async () => {
    const scratch = await createScratchDirectory()
    onTestFinished(() => scratch[Symbol.asyncDispose]())
    const args = ['--trial', '--listen', '127.0.0.1:0', '--socket', '', '--data-dir', join(scratch.path, 'data')]
    const limited = `ulimit -n ${OPEN_FILES} && exec "$0" "$@"`
    const dfdaemon = await startProcess('sh', ['-c', limited, process.execPath, programMain('dfdaemon'), ...args])
    onTestFinished(() => dfdaemon[Symbol.asyncDispose]())
    const line = await dfdaemon.waitForLine('stdout', each => each.startsWith('{"http"'), { timeoutMs: TIMEOUT_MS })
    const { http } = JSON.parse(line) as { http: string }
    expect(dfdaemon.stderr.text() + dfdaemon.stdout.text()).toContain('few open files are allowed')

    const clients: Socket[] = []
    onTestFinished(() => {
      for (const client of clients) client.destroy()
    })
    for (let count = 0; count < CLIENTS; count++) {
      const client = createConnection(Number(new URL(http).port), '127.0.0.1')
      client.on('error', () => {})
      clients.push(client)
    }
    await Promise.all(clients.map(client => client.connecting && once(client, 'connect').catch(() => {})))
    const answered = async () => (await request(`${http}/_ping`).catch(() => undefined))?.statusCode === 200
    await waitFor(answered, { timeoutMs: TIMEOUT_MS, what: 'an answer beside idle clients' })
    for (const client of clients) client.destroy()
    await waitFor(answered, { timeoutMs: TIMEOUT_MS, what: 'an answer after them' })
  },
  TIMEOUT_MS,
)
