import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run, startProcess } from '../../helpers/process.ts'
import { startRegistryMock } from '../../helpers/registry-mock.ts'

const MAIN = fileURLToPath(new URL('../../../registry-mock/main.ts', import.meta.url))

test('a registry that was stopped comes back at the same address with what it held', async () => {
  const registry = await startRegistryMock()
  await registry.start()
  const { url } = registry
  const image = await registry.generateImage({ layers: 1, sizeBytes: 64 * 1024 })
  await registry.stop()
  await registry.stop()
  await expect(fetch(`${url}/v2/`)).rejects.toThrow()
  await registry.start()
  expect(registry.url).toBe(url)
  expect((await fetch(`${url}/v2/library/demo/blobs/${image.config.digest}`)).status).toBe(200)
})

test('the program says where it is and what it holds, and ends on SIGTERM', async () => {
  const image = [
    '--image-repository',
    'library/demo',
    '--image-tag',
    'v1',
    '--image-layers',
    '3',
    '--image-size',
    '1MiB',
  ]
  await using program = await startProcess(process.execPath, [MAIN, '--listen', '127.0.0.1:0', ...image])
  const line = await program.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: 20_000 })
  const ready = JSON.parse(line)
  expect(ready.image).toMatchObject({ repository: 'library/demo', tag: 'v1' })
  expect(ready.image.layers).toHaveLength(3)
  const manifest = await fetch(`${ready.url}/v2/library/demo/manifests/v1`)
  expect(manifest.headers.get('docker-content-digest')).toBe(ready.image.digest)
  expect(await program.stop()).toEqual({ code: 0, signal: null })
  expect(program.stdout.lines()).toEqual([line])
})

test('a setting that cannot be is refused', async () => {
  await expect(run(process.execPath, [MAIN, '--listen', 'nowhere'])).rejects.toThrow('expected host:port')
  await expect(run(process.execPath, [MAIN, '--auth-mode', 'digest'])).rejects.toThrow('auth.mode')
})
