import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NetworkNode } from '../../helpers/netns.ts'
import { startProcess } from '../../helpers/process.ts'
import { readSeenRequests, type SeenRequest } from '../../helpers/registry-front/seen-request.ts'
import { cleanEnvironment } from '../runtimes/runtime.ts'
import type { FrontProgramInit } from './front-program.ts'

const START_TIMEOUT_MS = 20_000

/** A registry of a test's own making, on a node. */
export interface Front extends AsyncDisposable {
  readonly url: string
  /** The requests whose answers have ended so far. */
  requests(): Promise<SeenRequest[]>
}

/** Starts a front in a process of its own, on a node. */
export async function startFront(node: NetworkNode, directory: string, init: FrontProgramInit): Promise<Front> {
  const program = fileURLToPath(new URL('front-program.ts', import.meta.url))
  const logFile = join(directory, 'requests.log')
  const child = await startProcess(process.execPath, [program, JSON.stringify(init)], {
    namespace: node.namespace,
    env: cleanEnvironment(directory),
    stderrFile: logFile,
  })
  const line = await child.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: START_TIMEOUT_MS })
  const { url } = JSON.parse(line) as { url: string }
  return {
    url,
    requests: () => readSeenRequests(logFile),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
