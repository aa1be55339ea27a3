import { expect } from 'vitest'
import type { Bench, NodeDaemon } from '../bench.ts'
import type { PullResult } from '../matrix.ts'
import type { Supernode } from '../programs.ts'
import { RUNTIME_NAMES, RUNTIMES } from '../runtimes/all-runtimes.ts'
import type { PushedImage } from '../runtimes/image.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import type { FaultyOrigin } from './origin.ts'

/** A runtime on a node of its own, with the dfdaemon that it asks first. */
export interface RuntimeNode extends NodeDaemon {
  readonly runtime: Runtime
}

/** Starts a node for each runtime. Whoever goes around a dfdaemon meets the same origin, also as Docker Hub. */
export function startRuntimeNodes(
  bench: Bench,
  { origin, supernode }: { readonly origin: FaultyOrigin; readonly supernode: Supernode },
): Promise<RuntimeNode[]> {
  const registryUrl = origin.url
  return Promise.all(
    RUNTIME_NAMES.map(async name => {
      const daemon = await bench.startDfdaemon({ supernode, registryUrl })
      const environment = name === 'dockerd' ? origin.dockerHubEnvironment : {}
      return { ...daemon, runtime: await bench.startRuntime(RUNTIMES[name], daemon, { registryUrl, environment }) }
    }),
  )
}

/** Fails with the runtimes' own words unless each of them pulled the image. */
export function expectPulled(results: readonly PullResult[], { manifestDigest }: PushedImage): void {
  expect(results.map(({ name, manifestDigest: digest, words }) => [name, digest ?? words])).toEqual(
    results.map(({ name }) => [name, manifestDigest]),
  )
}
