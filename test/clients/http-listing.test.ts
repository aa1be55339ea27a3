import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { listHttp } from '../../dfget/sources/http/list-http.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import { allOf, fetcherForTest } from '../helpers/listing.ts'
import { readAll } from '../helpers/origin-content.ts'
import { startProcess } from '../helpers/process.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const FILES = [
  'model.safetensors',
  'b c.txt',
  "quote's & <b>.txt",
  'hash#question?.txt',
  'colon:semi;plus+at@.txt',
  '%41 100%.txt',
  'back\\slash.txt',
  'ümlaut 模型.txt',
  'docs/guide.md',
  'docs/deep/er/still.md',
  'sub dir/ü/in.txt',
]

test.each(['html', 'json'])('files behind nginx are found by its index in %s, and are what was found', async format => {
  assertClientRequirements()
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  const root = join(scratch.path, 'site')
  for (const file of FILES) {
    await mkdir(dirname(join(root, 'pub', file)), { recursive: true })
    await writeFile(join(root, 'pub', file), `this is ${file}`)
  }
  const url = await startNginx(scratch.path, `root ${root}; autoindex on; autoindex_format ${format};`)

  const fetcher = fetcherForTest()
  const origin = createHttpOrigin({ fetcher })
  const signal = AbortSignal.timeout(60_000)
  // Without the slash at its end, which nginx would add by a redirect.
  const files = await allOf(listHttp({ fetcher }, { url: `${url}/pub`, headers: {} }, { signal }))
  expect(files.map(({ path }) => path).sort()).toEqual(FILES.toSorted())
  for (const { source, path, sizeBytes } of files) {
    const bytes = await readAll((await origin.open(source, { signal })).body)
    expect(bytes.toString()).toBe(`this is ${path}`)
    expect(sizeBytes).toBe(format === 'json' ? bytes.length : undefined)
  }
})

/** Starts an nginx of the test's own, for the running test only. @returns its base URL */
async function startNginx(directory: string, server: string): Promise<string> {
  const [config, socket] = [join(directory, 'nginx.conf'), join(directory, 'nginx.sock')]
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const places = kinds.map(kind => `${kind}_temp_path ${directory}/${kind};`).join(' ')
  await writeFile(
    config,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr; events {}
    http { access_log off; ${places} server { listen unix:${socket}; ${server} } }`,
  )
  const nginx = await startProcess('nginx', ['-c', config, '-e', 'stderr'])
  onTestFinished(async () => void (await nginx.stop()))
  await nginx.waitUntil(() => isListening(socket), { timeoutMs: 20_000, what: 'nginx to listen' })
  return forwardTo(socket)
}

async function isListening(path: string): Promise<boolean> {
  const socket = connect(path)
  const listening = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return listening
}

/** nginx knows no port 0, so a free port leads to its socket. @returns the base URL */
async function forwardTo(path: string): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(from => {
    const to = connect(path)
    for (const socket of [from, to]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    pipeline(from, to, from, () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
