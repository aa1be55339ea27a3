import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { type Bench, createBench } from './bench.ts'
import { Matrix, pullWithAll } from './matrix.ts'
import { RUNTIME_NAMES, RUNTIMES } from './runtimes/all-runtimes.ts'
import { buildAndPushImage, type PushedImage } from './runtimes/image.ts'
import { sentBytesByBlob } from './runtimes/registry-log.ts'
import type { Runtime } from './runtimes/runtime.ts'

const MIB = 1 << 20
const LAYER_SIZES_BYTES = [8 * MIB, MIB]
const REPOSITORY = 'library/test'
const PULL_TIMEOUT_MS = 60_000

/** Each image is pulled twice, by every runtime at once. */
const IMAGES = [
  { format: 'oci', cold: 'tag', warm: 'digest' },
  { format: 'oci', cold: 'digest', warm: 'tag' },
  { format: 'docker', cold: 'tag', warm: 'digest' },
  { format: 'docker', cold: 'digest', warm: 'tag' },
] as const

const matrix = new Matrix('through dfdaemon')
let bench: Bench
let runtimes: readonly Runtime[]
const images = new Map<string, PushedImage>()

beforeAll(async () => {
  assertClientRequirements()
  bench = await createBench()
  const registryUrl = bench.registry.url
  const supernode = await bench.startSupernode()
  runtimes = await Promise.all(
    RUNTIME_NAMES.map(async name =>
      bench.startRuntime(RUNTIMES[name], await bench.startDfdaemon({ supernode, registryUrl }), { registryUrl }),
    ),
  )
})

afterAll(async () => {
  process.stdout.write(matrix.toString())
  await bench?.[Symbol.asyncDispose]()
})

test.each(IMAGES)(
  'a manifest of the form $format, cold by $cold, then warm by $warm',
  async ({ format, cold, warm }) => {
    onTestFailed(() => void process.stderr.write(bench.log()))
    const tag = `${format}-${cold}`
    const image = await buildAndPushImage({
      node: bench.registryNode,
      directory: await bench.directory('buildah'),
      registryUrl: bench.registry.url,
      name: `${REPOSITORY}:${tag}`,
      format,
      layerSizesBytes: LAYER_SIZES_BYTES,
      seed: tag,
    })
    images.set(tag, image)
    const references = {
      tag: `docker.io/${REPOSITORY}:${tag}`,
      digest: `docker.io/${REPOSITORY}@${image.manifestDigest}`,
    }
    for (const [heat, by] of [
      ['cold', cold],
      ['warm', warm],
    ] as const) {
      const results = await pullWithAll(runtimes, references[by], { timeoutMs: PULL_TIMEOUT_MS })
      matrix.add(`${format}, ${heat}, by ${by}`, results)
      expect(results.map(({ name, manifestDigest, words }) => [name, manifestDigest ?? words])).toEqual(
        runtimes.map(({ name }) => [name, image.manifestDigest]),
      )
    }
  },
)

test('the registry sent each blob once, for all nodes together', async () => {
  const blobs = [...images.values()].flatMap(image => image.blobs)
  expect(images.size).toBe(IMAGES.length)
  const sent = sentBytesByBlob(await bench.registry.finish())
  const [sentBytes, imageBytes] = [[...sent.values()], blobs.map(blob => blob.sizeBytes)].map(sum)
  process.stdout.write(`by its log the registry sent ${sentBytes} blob bytes; the images have ${imageBytes}\n`)
  expect(sent).toEqual(new Map(blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
})

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
