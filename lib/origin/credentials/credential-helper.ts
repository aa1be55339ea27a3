import { spawn } from 'node:child_process'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../../../protocol/errors.ts'
import { type RegistryCredentials, usableCredentials } from './registry-credentials.ts'

/** How a helper is run. */
export interface HelperRun {
  /** Ends the helper. */
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly env: NodeJS.ProcessEnv
}

const OUTPUT_LIMIT_BYTES = 64 * 1024

const HelperAnswer = Type.Object({ Username: Type.String(), Secret: Type.String() })

/** Whether `docker-credential-<name>` can only be a program on the PATH. */
export function isHelperName(name: string): boolean {
  return /^[a-z0-9-]{1,64}$/.test(name)
}

/**
 * Asks a credential helper: `docker-credential-<name> get`, with the registry on its standard input. What the helper prints
 * is secret as a whole and goes nowhere but into the result; undefined says that it has no account for this registry.
 * @throws DamselflyError CONFIG_INVALID (name), PROGRAM_FAILED; the signal's reason when it aborts
 */
export async function runCredentialHelper(
  name: string,
  server: string,
  run: HelperRun,
): Promise<RegistryCredentials | undefined> {
  if (!isHelperName(name)) throw new DamselflyError('CONFIG_INVALID', 'the name of a credential helper is malformed')
  run.signal.throwIfAborted()
  const program = `docker-credential-${name}`
  const { code, output } = await runToEnd(program, server, run)
  return readHelperAnswer(program, { code, output })
}

/** What a helper that has ended said: an account, or undefined. @throws DamselflyError PROGRAM_FAILED */
export function readHelperAnswer(program: string, { code, output }: Ended): RegistryCredentials | undefined {
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined
    throw new DamselflyError('PROGRAM_FAILED', `${program} ended with code ${code ?? 'none'}`)
  }
  const answer = parseJson(output)
  if (!Value.Check(HelperAnswer, answer)) {
    throw new DamselflyError('PROGRAM_FAILED', `${program} printed something other than an account`)
  }
  const { Username: username, Secret: secret } = answer
  return usableCredentials(username === '<token>' ? { identityToken: secret } : { username, password: secret })
}

/** How a helper ended, and all that it printed. */
interface Ended {
  readonly code: number | null
  readonly output: string
}

function runToEnd(program: string, input: string, { signal, timeoutMs, env }: HelperRun): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // In a process group of its own, so that what it starts ends with it.
    const child = spawnHelper(program, env)
    const chunks: Buffer[] = []
    let length = 0
    const timer = setTimeout(() => fail(failure(`did not answer within ${timeoutMs} ms`)), timeoutMs)
    const onAbort = (): void => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })

    const failure = (what: string) => new DamselflyError('PROGRAM_FAILED', `${program} ${what}`)
    function settle(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    function fail(error: unknown): void {
      settle()
      killGroup(child.pid)
      child.stdout.destroy()
      reject(error)
    }

    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.stdout.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > OUTPUT_LIMIT_BYTES) fail(failure('printed too much'))
      else chunks.push(chunk)
    })
    child.once('error', error => {
      fail(failure(`could not be started (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`))
    })
    child.once('close', code => {
      settle()
      resolve({ code, output: Buffer.concat(chunks).toString() })
    })
  })
}

/** @throws DamselflyError PROGRAM_FAILED */
function spawnHelper(program: string, env: NodeJS.ProcessEnv) {
  try {
    return spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env, detached: true })
  } catch (error) {
    // Node's permission model says no at once. The error itself names the environment.
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    const why = code === 'ERR_ACCESS_DENIED' ? '--permission without --allow-child-process' : code
    throw new DamselflyError('PROGRAM_FAILED', `${program} could not be started (${why})`)
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** Without the parser's own message, which would quote what it read. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
