import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { assertClientRequirements } from '../../helpers/requirements.ts'
import { type Bench, createBench } from '../bench.ts'
import { Matrix, type PullResult, pullWithAll } from '../matrix.ts'
import { pushGeneratedImage } from '../runtimes/generated-image.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import { expectPulled, startRuntimeNodes } from './nodes.ts'
import { type FaultyOrigin, startOrigin } from './origin.ts'
import { ORIGIN_CASES, type OriginCase } from './origin-cases.ts'

const IMAGE = { tag: 'v1', layers: 3, sizeBytes: 3 * 1024 * 1024 }
/** A pull that cannot succeed has failed by then. */
const PULL_TIMEOUT_MS = 60_000

const matrix = new Matrix('the origin, behind dfdaemon')
let bench: Bench
let origin: FaultyOrigin
let runtimes: readonly Runtime[]
let images = 0

beforeAll(async () => {
  assertClientRequirements()
  bench = await createBench()
  origin = await startOrigin(bench)
  const supernode = await bench.startSupernode()
  runtimes = (await startRuntimeNodes(bench, { origin, supernode })).map(node => node.runtime)
})

afterAll(async () => {
  process.stdout.write(matrix.toString())
  await bench?.[Symbol.asyncDispose]()
})

test.each(ORIGIN_CASES)('$name', async ({ name, faults, image: state, ends }) => {
  // Without the fault's name, which the runtimes' words are to be searched for.
  images += 1
  const repository = `library/image-${images}`
  const image = await pushGeneratedImage(bench, { ...IMAGE, repository, seed: name })
  const pull = () => pullWithAll(runtimes, `docker.io/${repository}:v1`, { timeoutMs: PULL_TIMEOUT_MS })
  if (state === 'warm') expectPulled(await pull(), image)
  await misbehave(faults)
  const results = await pull()
  const around = (await origin.requests()).filter(({ kind, userAgent }) => kind === 'blob' && userAgent !== 'damselfly')
  await origin.misbehave()
  matrix.add(name, results)
  onTestFailed(() => void process.stderr.write(wordsOf(results)))

  if (ends === 'pulled') {
    expectPulled(results, image)
    expect(around).toEqual([])
    return
  }
  for (const { name, words } of results) expect(`${name}: ${words}`).toMatch(ends)
  expectPulled(await pull(), image)
})

function misbehave(faults: OriginCase['faults']): Promise<void> {
  return faults === 'port closed' ? origin.closePort() : origin.misbehave(...faults)
}

function wordsOf(results: readonly PullResult[]): string {
  return results.map(({ name, words }) => `${name}: ${words}\n`).join('')
}
