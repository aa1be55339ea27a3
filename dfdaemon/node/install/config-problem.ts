import { DamselflyError } from '../../../protocol/errors.ts'

/** An error in a runtime's configuration file, with the place where an operator finds it. */
export function configProblem(path: string, line: number, problem: string, cause?: unknown): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `${path} line ${line}: ${problem}; nothing was changed`, { cause })
}

/** Number of the line, from 1, that a character is in. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
