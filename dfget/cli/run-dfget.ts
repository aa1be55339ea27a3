import { type DfgetArguments, parseArguments } from './command.ts'
import { chooseContents } from './contents/choose-contents.ts'
import type { Contents } from './contents/contents.ts'
import { createEventTeller, failureEvent } from './events.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { failureText } from './failure-text.ts'
import { type DfgetStreams, fetchAll } from './fetch-all.ts'
import { listenForInterruption } from './interruption.ts'
import { checkOutput } from './output/open-output.ts'
import { allRequests } from './request/all-requests.ts'
import { readUrlList } from './request/url-list.ts'
import { readWanted } from './request/wanted.ts'

/** What a run reads and writes. */
export interface RunStreams extends DfgetStreams {
  readonly stdin: AsyncIterable<Uint8Array>
}

/** Runs a command line to its end. Every failure has been said on standard error when it resolves. */
export async function runDfget(argv: readonly string[], streams: RunStreams): Promise<ExitCode> {
  using interruption = listenForInterruption()
  const { stderr } = streams
  try {
    const found = await parseArguments(argv, streams, interruption)
    if (found !== undefined) await download(found, streams, interruption)
    return EXIT.ok
  } catch (error) {
    const text = failureText(error)
    if (text !== undefined) stderr.write(`dfget: ${text}\n`)
    return exitCodeOf(error)
  }
}

async function download(
  { urls: named, config }: DfgetArguments,
  { stdin, stdout, stderr }: RunStreams,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const urls = await readUrlList({ urls: named, config, stdin })
  const wanted = readWanted(urls, config)
  const {
    several,
    requests: [only],
  } = wanted
  let contents: Contents
  try {
    if (!several && only !== undefined) await checkOutput({ config, suggestedName: only.suggestedName })
    contents = await chooseContents(config, urls, { signal })
  } catch (error) {
    if (only !== undefined) createEventTeller(stdout, config.json)(failureEvent(only.source.url, error))
    throw error
  }
  let failure: unknown
  try {
    const requests = allRequests(wanted, config, () => contents.sources(), { signal })
    await fetchAll({ contents, stdout, stderr }, { requests, several, config }, { signal })
  } catch (error) {
    failure = error
  }
  await contents.end(failure, { signal })
}
