import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { joinToken } from '../helpers/join.ts'
import { type NetworkNode, TEST_NETWORK } from '../helpers/netns.ts'
import { type ChildProcess, run, startProcess } from '../helpers/process.ts'
import { cleanEnvironment } from './runtimes/runtime.ts'

const START_TIMEOUT_MS = 30_000
/** Where a dfdaemon listens on its node, for the runtimes of that node only. */
const DFDAEMON_LISTEN = '127.0.0.1:65001'

/** A running supernode or dfdaemon. */
export interface Program extends AsyncDisposable {
  readonly name: 'supernode' | 'dfdaemon'
  /** Base URL of its HTTP side, from its ready line. */
  readonly httpUrl: string
  readonly dataDirectory: string
  /** Sends a signal: SIGKILL ends it like a crash, SIGSTOP freezes it until SIGCONT. */
  signal(signal: NodeJS.Signals): void
  /** The end of its log. */
  log(): string
}

/** A running supernode, which nodes have to join. */
export interface Supernode extends Program {
  /** With which any number of nodes may join. */
  readonly joinToken: string
}

/** What a program finds on its machine. */
export interface Surroundings {
  /** Addresses by host name, in place of the machine's /etc/hosts. */
  readonly hosts?: Readonly<Record<string, string>>
  /** Added to the program's environment. */
  readonly environment?: Readonly<Record<string, string>>
}

/** The registries of these tests speak plain http, at any port, in the network of the test. */
const OUTBOUND = { schemes: ['http', 'https'], allowPorts: ['1-65535'], allowNetworks: [TEST_NETWORK] }
const OUTBOUND_FLAGS = [
  ...['--outbound-schemes', OUTBOUND.schemes.join(',')],
  ...['--outbound-allow-ports', OUTBOUND.allowPorts.join(',')],
  ...['--outbound-allow-networks', OUTBOUND.allowNetworks.join(',')],
]

/** Starts a supernode from its source, as `node supernode/main.ts`, with more flags where they are given. */
export async function startSupernode(
  node: NetworkNode,
  directory: string,
  flags: readonly string[] = [],
  surroundings: Surroundings = {},
): Promise<Supernode> {
  const http = ['--http-listen', `${node.address}:8002`]
  const p2p = ['--p2p-listen', `/ip4/${node.address}/tcp/9000`]
  const args = [...http, ...p2p, '--data-dir', join(directory, 'data'), ...OUTBOUND_FLAGS, ...flags]
  const program = await startProgram('supernode', args, { node, directory, ...surroundings })
  try {
    return { ...program, joinToken: await joinToken({ dataDir: program.dataDirectory }) }
  } catch (error) {
    await program[Symbol.asyncDispose]()
    throw error
  }
}

/** What a dfdaemon is told beside its place. */
export interface DfdaemonInit {
  /** Whose cluster it joins before it starts; undefined for none. */
  readonly supernode: Supernode | undefined
  /** The registry in Docker Hub's place. */
  readonly registryUrl: string
  /** Settings of its configuration file; each replaces the whole value that it has here. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly surroundings?: Surroundings
}

/** Starts a dfdaemon from its source that stands between its node's runtime and the registry in Docker Hub's place. */
export async function startDfdaemon(
  node: NetworkNode,
  directory: string,
  { supernode, registryUrl, settings, surroundings }: DfdaemonInit,
): Promise<Program> {
  const configFile = join(directory, 'dfdaemon.yaml')
  await writeFile(
    configFile,
    stringify({
      listen: DFDAEMON_LISTEN,
      socket: '',
      dataDir: join(directory, 'data'),
      p2p: { listen: [`/ip4/${node.address}/tcp/9100`] },
      defaultUpstream: 'docker.io',
      upstreams: { 'docker.io': { url: registryUrl } },
      outbound: OUTBOUND,
      ...settings,
    }),
  )
  const args = ['--config', configFile]
  if (supernode !== undefined) await joinCluster(supernode, args, { node, directory })
  return await startProgram('dfdaemon', args, { node, directory, ...surroundings })
}

/** Has a node join as its operator does, from its own machine. */
async function joinCluster(
  { httpUrl, joinToken }: Supernode,
  args: readonly string[],
  { node, directory }: { readonly node: NetworkNode; readonly directory: string },
): Promise<void> {
  const tokenFile = join(directory, 'token')
  await writeFile(tokenFile, joinToken, { mode: 0o600 })
  const command = [mainOf('dfdaemon'), ...args, 'join', httpUrl, '--token-file', tokenFile]
  await run(process.execPath, command, { namespace: node.namespace, env: cleanEnvironment(directory) })
}

async function startProgram(
  name: Program['name'],
  args: readonly string[],
  { node, directory, hosts, environment }: Surroundings & { readonly node: NetworkNode; readonly directory: string },
): Promise<Program> {
  const command = [process.execPath, mainOf(name), ...args]
  const [file = '', ...rest] = hosts === undefined ? command : await withHosts(hosts, directory, command)
  const child = await startProcess(file, rest, {
    namespace: node.namespace,
    env: { ...cleanEnvironment(directory), ...environment },
  })
  try {
    const line = await child.waitForLine('stdout', isReadyLine, { timeoutMs: START_TIMEOUT_MS })
    return describeProgram(name, child, { readyLine: line, dataDirectory: join(directory, 'data') })
  } catch (error) {
    await child.stop()
    throw error
  }
}

/** Not the built one: benchmarks start programs with this too. */
function mainOf(name: Program['name']): string {
  return fileURLToPath(new URL(`../../${name}/main.ts`, import.meta.url))
}

/** The command with a view of the machine in which host names mean these addresses; each program has a view of its own. */
async function withHosts(
  hosts: Readonly<Record<string, string>>,
  directory: string,
  command: readonly string[],
): Promise<string[]> {
  const file = join(directory, 'hosts')
  const lines = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`)
  await writeFile(file, ['127.0.0.1 localhost\n', ...lines].join(''))
  return ['sh', '-ec', 'mount --bind "$0" /etc/hosts; exec "$@"', file, ...command]
}

function describeProgram(
  name: Program['name'],
  child: ChildProcess,
  { readyLine, dataDirectory }: { readonly readyLine: string; readonly dataDirectory: string },
): Program {
  const { http } = JSON.parse(readyLine) as { http: string }
  return {
    name,
    httpUrl: http,
    dataDirectory,
    signal: signal => child.signal(signal),
    log: () => `${name} at ${http}:\n${child.stderr.text()}`,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

/** Each program prints one JSON object on stdout when it is ready. */
function isReadyLine(line: string): boolean {
  return line.startsWith('{') && line.includes('"http"')
}
