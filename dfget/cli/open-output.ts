import type { Writable } from 'node:stream'
import { DamselflyError } from '../../protocol/errors.ts'
import type { DfgetConfig } from '../config.ts'
import { openFileOutput } from './file-output.ts'
import type { Output } from './output.ts'
import { createStreamOutput } from './stream-output.ts'

export interface OpenOutputInit {
  readonly config: Pick<DfgetConfig, 'output' | 'overwrite' | 'json'>
  readonly suggestedName: string | undefined
  readonly stdout: Writable
  readonly signal: AbortSignal
}

/** Opens what `--output` asks for. @throws DamselflyError OUTPUT_FAILED, REQUEST_INVALID, CONFIG_INVALID */
export async function openOutput({ config, suggestedName, stdout, signal }: OpenOutputInit): Promise<Output> {
  const { output, overwrite, json } = config
  if (output !== '-') return openFileOutput({ output, overwrite, suggestedName })
  if (json)
    throw new DamselflyError('CONFIG_INVALID', '--json and --output - both want standard output; give one of them')
  return createStreamOutput(stdout, { signal })
}
