import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createContentClient } from '../../../dfdaemon/client/content-client.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

test.each(['9007199254740992', '18446744073709551615'])('an answer of %s bytes is refused', async length => {
  await using scratch = await createScratchDirectory()
  const path = join(scratch.path, 'socket')
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`))
  }).listen(path)
  await once(server, 'listening')
  const opening = createContentClient(path).open({ url: 'http://origin.example/a' } as never, {
    signal: AbortSignal.timeout(10_000),
  })
  await expect(opening).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE', detail: expect.stringContaining('2^53') })
  server.close()
})
