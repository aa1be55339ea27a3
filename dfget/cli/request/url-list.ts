import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { DfgetConfig } from '../../config.ts'

/** What a user has named on the command line and in a file. */
export interface UrlListInit {
  readonly urls: readonly string[]
  readonly config: Pick<DfgetConfig, 'inputFile'>
  readonly stdin: AsyncIterable<Uint8Array>
}

/**
 * The URLs to download, each once: those of the command line, then those of `--input-file`, one a line, where empty lines and lines
 * that begin with # say nothing. `-` is standard input.
 * @throws DamselflyError REQUEST_INVALID when there is none; CONFIG_INVALID for a file that cannot be read
 */
export async function readUrlList({ urls, config, stdin }: UrlListInit): Promise<readonly string[]> {
  const { inputFile } = config
  const listed = inputFile === undefined ? [] : linesOf(await readInput(inputFile, stdin))
  const all = [...new Set([...urls, ...listed])]
  if (all.length === 0) {
    const detail = inputFile === undefined ? 'name a URL to download' : `${inputFile} names no URL`
    throw new DamselflyError('REQUEST_INVALID', detail)
  }
  return all
}

function linesOf(list: string): string[] {
  return list
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

async function readInput(file: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  try {
    return file === '-' ? await text(stdin) : await readFile(file, 'utf8')
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `--input-file ${file} cannot be read: ${(error as Error).message}`)
  }
}
