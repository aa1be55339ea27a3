import { parseArguments } from './command.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { failureText } from './failure-text.ts'
import { type DfgetStreams, fetchAll } from './fetch-all.ts'
import { listenForInterruption } from './interruption.ts'
import { checkOutputs } from './open-output.ts'
import { downloadRequest } from './request.ts'
import { readUrlList } from './url-list.ts'
import { withPeer } from './with-peer.ts'

/** What a run reads and writes. */
export interface RunStreams extends DfgetStreams {
  readonly stdin: AsyncIterable<Uint8Array>
}

/** Runs a command line to its end. Every failure has been said on standard error when it resolves. */
export async function runDfget(argv: readonly string[], { stdin, stdout, stderr }: RunStreams): Promise<ExitCode> {
  using interruption = listenForInterruption()
  const { signal } = interruption
  try {
    const download = parseArguments(argv, { stdout, stderr })
    if (download === undefined) return EXIT.ok
    const { urls, config } = download
    const requests = (await readUrlList({ urls, config, stdin })).map(url => downloadRequest(url, config))
    checkOutputs(requests, config)
    await withPeer(
      config,
      requests.map(({ source }) => source.url),
      (dfget, delivered) => fetchAll({ dfget, delivered, stdout, stderr }, requests, config, { signal }),
      { signal },
    )
    return EXIT.ok
  } catch (error) {
    const text = failureText(error)
    if (text !== undefined) stderr.write(`dfget: ${text}\n`)
    return exitCodeOf(error)
  }
}
