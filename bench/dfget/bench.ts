import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { joinToken } from '../../test/helpers/join.ts'
import { type NetworkNode, TEST_NETWORK } from '../../test/helpers/netns.ts'
import { run, startProcess } from '../../test/helpers/process.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import type { BuiltPrograms } from './built.ts'
import type { DfgetBenchConfig } from './config.ts'

/** What every part of the benchmark works with. */
export interface Bench {
  readonly config: DfgetBenchConfig
  readonly programs: BuiltPrograms
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/** Slower than this it has failed. */
const TIMEOUT_MS = 600_000
const START_TIMEOUT_MS = 30_000

/** Runs a program to its end. @returns how long it took, in milliseconds @throws Error when it fails; the signal's reason */
export async function timed(
  { signal }: Pick<Bench, 'signal'>,
  command: readonly [string, ...string[]],
  options: { namespace?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  signal.throwIfAborted()
  const [file, ...args] = command
  const startedAt = performance.now()
  await run(file, args, { ...options, timeoutMs: TIMEOUT_MS })
  return performance.now() - startedAt
}

/** An empty directory for one measurement, in the one that was asked for. */
export function emptyDirectory({ config }: Pick<Bench, 'config'>): Promise<ScratchDirectory> {
  return createScratchDirectory(config.directory)
}

/** The command line of the built dfget. It uses no dfdaemon that this machine may have, unless the arguments name one. */
export function dfgetCommand({ programs }: Pick<Bench, 'programs'>, ...args: string[]): [string, ...string[]] {
  return [process.execPath, programs.main('dfget'), '--daemon-socket', '', ...args]
}

/** The environment of a user whose cache is in a directory of its own. */
export function userIn(cache: string): NodeJS.ProcessEnv {
  return { ...process.env, XDG_CACHE_HOME: cache }
}

/** A running supernode. */
export interface BenchSupernode extends AsyncDisposable {
  /** What tells a dfget to be a peer of this supernode. */
  readonly flags: readonly string[]
}

/** Starts the built supernode with an empty store. @param node the machine that it is on; the loopback without one */
export async function startSupernode(
  { programs }: Pick<Bench, 'programs'>,
  directory: string,
  node?: NetworkNode,
): Promise<BenchSupernode> {
  const address = node?.address ?? '127.0.0.1'
  const places = ['--http-listen', `${address}:0`, '--p2p-listen', `/ip4/${address}/tcp/0`]
  const dataDirectory = join(directory, 'supernode')
  await mkdir(dataDirectory, { mode: 0o700 })
  // Off the loopback there is no trial; the origin of the benchmark speaks plain http all the same.
  const origins = ['--outbound-schemes', 'http', '--outbound-allow-ports', '1-65535']
  const mode = node === undefined ? ['--trial'] : [...origins, '--outbound-allow-networks', TEST_NETWORK]
  const args = [programs.main('supernode'), ...mode, ...places, '--data-dir', dataDirectory, '--log-level', 'warn']
  await using starting = new AsyncDisposableStack()
  const options = node === undefined ? {} : { namespace: node.namespace }
  const child = starting.use(await startProcess(process.execPath, args, options))
  const ready = await child.waitForLine('stdout', line => line.startsWith('{'), { timeoutMs: START_TIMEOUT_MS })
  const { http } = JSON.parse(ready) as { http: string }
  const flags = ['--supernode', http]
  if (node !== undefined) {
    const tokenFile = join(directory, 'token')
    await writeFile(tokenFile, await joinToken({ dataDir: dataDirectory }), { mode: 0o600 })
    flags.push('--token-file', tokenFile)
  }
  const started = starting.move()
  return { flags, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
