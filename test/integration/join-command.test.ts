import { readFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import { formatToken } from '../../protocol/token.ts'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

/** A supernode that takes connections and says nothing. */
async function startSilent(): Promise<{ readonly url: string; readonly connected: Promise<Socket> }> {
  const connected = Promise.withResolvers<Socket>()
  const server = createServer(socket => {
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    connected.resolve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { url: `https://127.0.0.1:${port}`, connected: connected.promise }
}

test('a token given as an argument is not in the list of processes while the supernode is slow', async () => {
  await using scratch = await createScratchDirectory()
  const silent = await startSilent()
  const clusterKey = keysOfSeed(new Uint8Array(32).fill(1)).publicKey
  const token = formatToken({ id: 'a'.repeat(12), secret: 'b'.repeat(48), clusterKey })
  const args = ['join', silent.url, '--token', token, '--data-dir', join(scratch.path, 'data')]
  await using child = await startProcess(process.execPath, [programMain('dfdaemon'), ...args])
  await silent.connected
  const shown = await readFile(`/proc/${child.pid}/cmdline`, 'utf8')
  expect(shown.replaceAll('\0', ' ').trim()).toBe('dfdaemon join')
  const environment = await readFile(`/proc/${child.pid}/environ`, 'utf8')
  expect(environment).not.toContain('b'.repeat(48))
})
