import type { Writable } from 'node:stream'
import type { ProgressStream } from '../progress/progress-display.ts'
import { parseArguments } from './command.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { failureText } from './failure-text.ts'
import { fetchTo } from './fetch-to.ts'
import { listenForInterruption } from './interruption.ts'
import { openOutput } from './open-output.ts'
import { downloadRequest } from './request.ts'

/** Standard output and standard error, or their stand-ins. */
export interface DfgetStreams {
  readonly stdout: Writable
  readonly stderr: ProgressStream
}

/** Runs a command line to its end. Every failure has been said on standard error when it resolves. */
export async function runDfget(argv: readonly string[], { stdout, stderr }: DfgetStreams): Promise<ExitCode> {
  using interruption = listenForInterruption()
  const { signal } = interruption
  try {
    const { url, config } = parseArguments(argv, { stdout, stderr })
    const request = downloadRequest(url, config)
    const output = await openOutput({ config, suggestedName: request.suggestedName, stdout, signal })
    try {
      await fetchTo({ output, stdout, stderr }, request, config, { signal })
    } finally {
      await output.discard()
    }
    return EXIT.ok
  } catch (error) {
    const text = failureText(error)
    if (text !== undefined) stderr.write(`dfget: ${text}\n`)
    return exitCodeOf(error)
  }
}
