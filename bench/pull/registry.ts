import { fileURLToPath } from 'node:url'
import type { NetworkNode } from '../../test/helpers/netns.ts'
import { type ChildProcess, startProcess } from '../../test/helpers/process.ts'
import type { PullConfig } from './config.ts'

/** A registry with one image, in a process of its own. */
export interface BenchRegistry extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string
  readonly repository: string
  readonly reference: string
}

const MAIN = fileURLToPath(new URL('../../registry-mock/main.ts', import.meta.url))
const PORT = 5000
/** It hashes its image before it is ready. */
const START_TIMEOUT_MS = 120_000
const REPOSITORY = 'library/demo'
const TAG = 'v1'

/** Starts a registry with a generated image on a node. */
export async function startRegistry(
  node: NetworkNode,
  { size, layers }: Pick<PullConfig, 'size' | 'layers'>,
): Promise<BenchRegistry> {
  const listen = `${node.address}:${PORT}`
  const name = ['--image-repository', REPOSITORY, '--image-tag', TAG]
  const args = ['--listen', listen, ...name, '--image-size', `${size}`, '--image-layers', `${layers}`]
  const child: ChildProcess = await startProcess(process.execPath, [MAIN, ...args], { namespace: node.namespace })
  try {
    await child.waitForLine('stdout', line => line.startsWith('{'), { timeoutMs: START_TIMEOUT_MS })
  } catch (error) {
    await child.stop()
    throw error
  }
  return {
    url: `http://${listen}`,
    repository: REPOSITORY,
    reference: TAG,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
