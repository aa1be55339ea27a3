import { isArtifactUrl } from '../../../lib/origin/artifacts/artifact-reference.ts'
import { printable } from '../../../lib/terminal/format.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { parseRange } from '../../../protocol/range.ts'
import type { DfgetConfig } from '../../config.ts'
import { type DownloadRequest, downloadRequest } from './request.ts'

/** What a run is asked for. */
export interface Wanted {
  /** Files that are named one by one. */
  readonly requests: readonly DownloadRequest[]
  /** What stands for any number of files: directories, prefixes, artifacts. */
  readonly listings: readonly string[]
  /** Whether there may be more than one file, so that `--output` can only be a directory. */
  readonly several: boolean
}

/**
 * Checks what was asked for, before anything is downloaded.
 * @throws DamselflyError REQUEST_INVALID, DIGEST_INVALID for what cannot be asked for; CONFIG_INVALID for settings that contradict
 * each other or what is asked for
 */
export function readWanted(urls: readonly string[], config: DfgetConfig): Wanted {
  const isListing = (url: string) => config.recursive || isArtifactUrl(url)
  const listings = urls.filter(isListing)
  const requests = urls.filter(url => !isListing(url)).map(url => downloadRequest(url, config))
  const several = listings.length > 0 || requests.length > 1
  checkSettings(config, several)
  if (config.output !== '-' && several) checkNames(requests)
  return { requests, listings, several }
}

const ONE_OF_THESE: readonly (readonly [keyof DfgetConfig, keyof DfgetConfig])[] = [
  ['overwrite', 'skipExisting'],
  ['overwrite', 'continue'],
  ['skipExisting', 'continue'],
  ['range', 'continue'],
  ['range', 'digest'],
]

function checkSettings(config: DfgetConfig, several: boolean): void {
  const { output, json, digest, range } = config
  if (output === '-' && json)
    throw new DamselflyError('CONFIG_INVALID', '--json and --output - both want standard output; give one of them')
  if (output === '-' && config.continue)
    throw new DamselflyError('CONFIG_INVALID', '--continue needs a file, and standard output is none; leave it out')
  for (const [one, other] of ONE_OF_THESE) {
    if (isGiven(config[one]) && isGiven(config[other])) {
      throw new DamselflyError(
        'CONFIG_INVALID',
        `${flagOf(one)} and ${flagOf(other)} contradict each other; give one of them`,
      )
    }
  }
  if (range !== undefined && isEmptyRange(range))
    throw new DamselflyError('CONFIG_INVALID', `--range ${range} has no byte in it; give its first byte, then its last`)
  for (const [flag, value] of [
    ['--digest', digest],
    ['--range', range],
  ]) {
    if (several && value !== undefined)
      throw new DamselflyError('REQUEST_INVALID', `${flag} is that of one file, and several were asked for`)
  }
}

function isEmptyRange(text: string): boolean {
  const range = parseRange(`bytes=${text}`)
  if (range === undefined) return true
  return range.kind === 'suffix' ? range.lengthBytes === 0 : range.kind === 'bounded' && range.start >= range.end
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false
}

function flagOf(key: keyof DfgetConfig): string {
  return key === 'skipExisting' ? '--skip-existing' : `--${key}`
}

function checkNames(requests: readonly DownloadRequest[]): void {
  const urls = new Map<string, string>()
  for (const { suggestedName, source } of requests) {
    if (suggestedName === undefined)
      throw new DamselflyError(
        'REQUEST_INVALID',
        `${printable(source.url)} ends in no file name; download it alone, with --output`,
      )
    const other = urls.get(suggestedName)
    if (other !== undefined)
      throw new DamselflyError(
        'REQUEST_INVALID',
        `${printable(`${other} and ${source.url} would both be written to ${suggestedName}`)}; download them one by one`,
      )
    urls.set(suggestedName, source.url)
  }
}
