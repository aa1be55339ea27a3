import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { NetworkNode } from '../helpers/netns.ts'
import { type ChildProcess, startProcess } from '../helpers/process.ts'
import { cleanEnvironment } from './runtimes/runtime.ts'

const START_TIMEOUT_MS = 30_000
/** Where a dfdaemon listens on its node, for the runtimes of that node only. */
const DFDAEMON_LISTEN = '127.0.0.1:65001'

/** A running supernode or dfdaemon. */
export interface Program extends AsyncDisposable {
  /** Base URL of its HTTP side, from its ready line. */
  readonly httpUrl: string
  /** The end of its log. */
  log(): string
}

/** Starts a supernode from its source, as `node supernode/main.ts`. */
export async function startSupernode(node: NetworkNode, directory: string): Promise<Program> {
  const http = ['--http-listen', `${node.address}:8002`]
  const p2p = ['--p2p-listen', `/ip4/${node.address}/tcp/9000`]
  return await startProgram('supernode', [...http, ...p2p, '--data-dir', join(directory, 'data')], node, directory)
}

/** Starts a dfdaemon from its source that stands between its node's runtime and the registry in Docker Hub's place. */
export async function startDfdaemon(
  node: NetworkNode,
  directory: string,
  { supernodeUrl, registryUrl }: { readonly supernodeUrl: string; readonly registryUrl: string },
): Promise<Program> {
  const configFile = join(directory, 'dfdaemon.yaml')
  await writeFile(
    configFile,
    stringify({
      listen: DFDAEMON_LISTEN,
      supernode: supernodeUrl,
      dataDir: join(directory, 'data'),
      p2p: { listen: [`/ip4/${node.address}/tcp/9100`] },
      defaultUpstream: 'docker.io',
      upstreams: { 'docker.io': { url: registryUrl } },
    }),
  )
  return await startProgram('dfdaemon', ['--config', configFile], node, directory)
}

async function startProgram(
  name: string,
  args: readonly string[],
  node: NetworkNode,
  directory: string,
): Promise<Program> {
  const main = fileURLToPath(new URL(`../../${name}/main.ts`, import.meta.url))
  const child = await startProcess(process.execPath, [main, ...args], {
    namespace: node.namespace,
    env: cleanEnvironment(directory),
  })
  try {
    const line = await child.waitForLine('stdout', isReadyLine, { timeoutMs: START_TIMEOUT_MS })
    return describeProgram(name, child, line)
  } catch (error) {
    await child.stop()
    throw error
  }
}

function describeProgram(name: string, child: ChildProcess, readyLine: string): Program {
  const { http } = JSON.parse(readyLine) as { http: string }
  return {
    httpUrl: http,
    log: () => `${name} at ${http}:\n${child.stderr.text()}`,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

/** Each program prints one JSON object on stdout when it is ready. */
function isReadyLine(line: string): boolean {
  return line.startsWith('{') && line.includes('"http"')
}
