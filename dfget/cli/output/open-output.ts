import type { Writable } from 'node:stream'
import type { DfgetConfig } from '../../config.ts'
import { type FileOutputInit, findTarget, openFileOutput } from './file-output.ts'
import type { NewNames } from './new-names.ts'
import type { Output } from './output.ts'
import { createStreamOutput } from './stream-output.ts'

/** The settings that say where content goes. */
export type OutputSettings = Pick<DfgetConfig, 'output' | 'overwrite' | 'skipExisting' | 'continue'>

export interface OpenOutputInit {
  readonly config: OutputSettings
  /** Whether `--output` can only be the directory for several files. */
  readonly several: boolean
  readonly suggestedName: string | undefined
  readonly stdout: Writable
  readonly names: NewNames
  readonly signal: AbortSignal
}

/**
 * Opens what `--output` asks for.
 * @returns undefined for a file that exists and is to be skipped
 * @throws DamselflyError OUTPUT_FAILED, REQUEST_INVALID
 */
export async function openOutput(init: OpenOutputInit): Promise<Output | undefined> {
  const { config, stdout, names, signal } = init
  return config.output === '-' ? createStreamOutput(stdout, { signal }) : openFileOutput({ names }, fileInit(init))
}

/**
 * Finds out before anything is started whether one file could be written. @throws DamselflyError OUTPUT_FAILED, REQUEST_INVALID
 */
export async function checkOutput(init: Pick<OpenOutputInit, 'config' | 'suggestedName'>): Promise<void> {
  if (init.config.output !== '-') await findTarget(fileInit({ ...init, several: false }))
}

function fileInit({
  config,
  several,
  suggestedName,
}: Pick<OpenOutputInit, 'config' | 'several' | 'suggestedName'>): FileOutputInit {
  const { output, overwrite, skipExisting, continue: isContinued } = config
  const target = several && output !== undefined ? `${output}/` : output
  return {
    output: target,
    suggestedName,
    overwrite,
    skipExisting,
    continue: isContinued,
    makeDirectories: several,
  }
}
