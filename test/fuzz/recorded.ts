import { existsSync, readFileSync } from 'node:fs'
import { DamselflyError } from '../../protocol/errors.ts'
import type { FuzzFigures } from './report.ts'

/**
 * The recorded run of each target: its newest line in a file of results.
 * @throws DamselflyError INPUT_FAILED when a line is none
 */
export function readRecorded(file: string): ReadonlyMap<string, FuzzFigures> {
  if (!existsSync(file)) return new Map()
  const lines = readFileSync(file, 'utf8').split('\n')
  return new Map(lines.flatMap((line, at) => (line === '' ? [] : [entryOf(line, `${file}:${at + 1}`)])))
}

function entryOf(line: string, place: string): [string, FuzzFigures] {
  try {
    const figures = JSON.parse(line) as FuzzFigures
    return [figures.target, figures]
  } catch (error) {
    throw new DamselflyError('INPUT_FAILED', `${place} is no JSON; remove the line`, { cause: error })
  }
}

/** Whether a target's recorded run had as many inputs as are wanted now, and found nothing. */
export function isRecorded(recorded: FuzzFigures | undefined, inputs: number): boolean {
  return recorded !== undefined && recorded.inputs >= inputs && recorded.failures === 0
}
