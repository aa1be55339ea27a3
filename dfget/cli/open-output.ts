import type { Writable } from 'node:stream'
import { DamselflyError } from '../../protocol/errors.ts'
import type { DfgetConfig } from '../config.ts'
import { openFileOutput } from './file-output.ts'
import type { Output } from './output.ts'
import type { DownloadRequest } from './request.ts'
import { createStreamOutput } from './stream-output.ts'

export interface OpenOutputInit {
  readonly config: Pick<DfgetConfig, 'output' | 'overwrite' | 'skipExisting'>
  /** Whether `--output` can only be the directory for several files. */
  readonly several: boolean
  readonly suggestedName: string | undefined
  readonly stdout: Writable
  readonly signal: AbortSignal
}

/**
 * Opens what `--output` asks for.
 * @returns undefined for a file that exists and is to be skipped
 * @throws DamselflyError OUTPUT_FAILED, REQUEST_INVALID
 */
export async function openOutput(init: OpenOutputInit): Promise<Output | undefined> {
  const { config, several, suggestedName, stdout, signal } = init
  const { output, overwrite, skipExisting } = config
  if (output === '-') return createStreamOutput(stdout, { signal })
  const target = several && output !== undefined ? `${output}/` : output
  return openFileOutput({ output: target, overwrite, skipExisting, suggestedName })
}

/**
 * Checks that what was asked for can be written where it is to go, before anything is downloaded.
 * @throws DamselflyError CONFIG_INVALID when settings contradict each other; REQUEST_INVALID when several files would have one name or
 * one has none
 */
export function checkOutputs(
  requests: readonly DownloadRequest[],
  { output, json, overwrite, skipExisting }: Pick<DfgetConfig, 'output' | 'json' | 'overwrite' | 'skipExisting'>,
): void {
  if (output === '-' && json)
    throw new DamselflyError('CONFIG_INVALID', '--json and --output - both want standard output; give one of them')
  if (overwrite && skipExisting)
    throw new DamselflyError(
      'CONFIG_INVALID',
      '--overwrite and --skip-existing contradict each other; give one of them',
    )
  if (output === '-' || requests.length < 2) return
  const urls = new Map<string, string>()
  for (const { suggestedName, source } of requests) {
    if (suggestedName === undefined)
      throw new DamselflyError(
        'REQUEST_INVALID',
        `${source.url} ends in no file name; download it alone, with --output`,
      )
    const other = urls.get(suggestedName)
    if (other !== undefined)
      throw new DamselflyError(
        'REQUEST_INVALID',
        `${other} and ${source.url} would both be written to ${suggestedName}`,
      )
    urls.set(suggestedName, source.url)
  }
}
