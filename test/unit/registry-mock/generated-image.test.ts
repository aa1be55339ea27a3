import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../protocol/digest.ts'
import type { Content } from '../../../registry-mock/content.ts'
import { type GeneratedImageInit, generateImage } from '../../../registry-mock/image/generated-image.ts'
import { layerContent, MIN_LAYER_BYTES } from '../../../registry-mock/image/layer-content.ts'
import { layerSizes } from '../../../registry-mock/image/layer-sizes.ts'
import { MemoryContentStore } from '../../../registry-mock/memory-content-store.ts'
import { Repositories } from '../../../registry-mock/repositories.ts'
import { run } from '../../helpers/process.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const INIT: GeneratedImageInit = { repository: 'a/b', tag: 'v1', layers: 5, sizeBytes: 3_000_000, seed: 's' }

async function generated(init: Partial<GeneratedImageInit> = {}) {
  const components = { repositories: new Repositories(), content: new MemoryContentStore() }
  return { ...components, image: await generateImage(components, { ...INIT, ...init }) }
}

async function read(content: Content, start = 0, end = content.sizeBytes): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content.read({ start, end })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('the same values give the same image, another seed another', async () => {
  const { image } = await generated()
  expect((await generated()).image).toEqual(image)
  const other = (await generated({ seed: 't' })).image
  const digests = new Set([...image.layers, ...other.layers].map(layer => layer.digest))
  expect(digests.size).toBe(10)
  // A changed generator would silently change what measurements compare.
  expect(image.digest).toBe('sha256:90ade07dffb811def8dd9c3aada3188ddbd6a1bf848636b4771ec42339bcdf9d')
})

test('manifest, config and layers belong together', async () => {
  const { image, content, repositories } = await generated()
  const manifest = JSON.parse(Buffer.from(repositories.findManifest('a/b', 'v1')?.bytes ?? []).toString())
  expect(manifest.mediaType).toBe('application/vnd.oci.image.manifest.v1+json')
  for (const blob of [manifest.config, ...manifest.layers]) {
    const stored = content.find(blob.digest)
    if (stored === undefined) throw new Error(`${blob.digest} is missing`)
    const bytes = await read(stored)
    expect([digestOf(bytes), bytes.length]).toEqual([blob.digest, blob.size])
    expect(repositories.hasBlob('a/b', blob.digest)).toBe(true)
  }
  const config = content.find(image.config.digest)
  if (config === undefined) throw new Error('the config is missing')
  // Layers are not compressed, so their digests are the diff ids.
  const { rootfs } = JSON.parse((await read(config)).toString())
  expect(rootfs.diff_ids).toEqual(image.layers.map(layer => layer.digest))
})

test.each([
  [1, 64 * 1024],
  [12, 1_000_001],
  [40, 40 * 8 * 1024],
  [3, 50_000_000],
])('%i layers of %i bytes keep within 1 %%', async (layers, sizeBytes) => {
  const { image } = await generated({ layers, sizeBytes })
  expect(image.layers).toHaveLength(layers)
  expect(Math.abs(image.imageBytes - sizeBytes)).toBeLessThan(sizeBytes / 100)
  const sum = [image.config, ...image.layers].reduce((total, blob) => total + blob.sizeBytes, 0)
  expect(image.imageBytes).toBe(sum)
})

test('layer sizes vary', () => {
  const sizes = layerSizes('s', 12, 256 * 1024 * 1024)
  expect(Math.max(...sizes)).toBeGreaterThan(4 * Math.min(...sizes))
  expect(new Set(sizes).size).toBe(12)
})

test.each([{ sizeBytes: 1_000 }, { sizeBytes: Number.NaN }, { repository: 'A' }, { tag: '-' }])(
  'what cannot be made is refused: %o',
  async init => {
    await expect(generated(init)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  },
)

describe('a layer', () => {
  test('reads the same in any pieces', async () => {
    const layer = layerContent('s', 'layer', 100 * 512, 3)
    const whole = await read(layer)
    for (const [start, end] of [
      [0, 1],
      [511, 513],
      [17, 40_001],
      [99 * 512 - 5, 100 * 512],
    ] as const) {
      expect(await read(layer, start, end)).toEqual(whole.subarray(start, end))
    }
  })

  test('of 2 GiB gives a range from its far end at once', async () => {
    const layer = layerContent('s', 'layer', 2 * 1024 ** 3, 1)
    const bytes = await read(layer, 2 * 1024 ** 3 - 2_048, 2 * 1024 ** 3)
    expect(bytes.subarray(1_024)).toEqual(Buffer.alloc(1_024))
    expect(new Set(bytes.subarray(0, 1_024)).size).toBeGreaterThan(100)
  })

  test.each([
    [MIN_LAYER_BYTES, 4],
    [MIN_LAYER_BYTES + 512, 4],
    [64 * 512, 1],
    [5_000 * 512, 7],
  ])('of %i bytes is a tar that tar lists to the end', async (sizeBytes, fileCount) => {
    await using scratch = await createScratchDirectory()
    const file = join(scratch.path, 'layer.tar')
    await writeFile(file, await read(layerContent('s', 'layer', sizeBytes, fileCount)))
    const { stdout, stderr } = await run('tar', ['--list', '--verbose', '--numeric-owner', '--file', file])
    expect(stderr).toBe('')
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^drwxr-xr-x 0\/0 .* layer\/$/)
    expect(lines.length).toBeGreaterThan(1)
    const contentBytes = lines.slice(1).reduce((sum, line) => sum + Number(line.split(/\s+/)[2]), 0)
    expect(contentBytes).toBe(sizeBytes - 512 * lines.length - 1_024)
  })
})
