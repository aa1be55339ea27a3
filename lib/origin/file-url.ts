import { fileURLToPath } from 'node:url'
import { DamselflyError } from '../../protocol/errors.ts'

/** The path that a `file:///absolute/path` URL names. @throws DamselflyError REQUEST_INVALID */
export function parseFileUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'file:' || !/^file:\/\/(localhost)?\//i.test(text)) {
    throw invalid('expected file:///absolute/path')
  }
  if (url.search !== '' || url.hash !== '')
    throw invalid('a file:// URL has no query or fragment; write %3F for ? and %23 for #')
  try {
    const path = fileURLToPath(url)
    if (!path.includes('\0')) return path
  } catch (error) {
    throw invalid('the path of a file:// URL is percent-encoded UTF-8 without %2F', error)
  }
  throw invalid('the path of a file:// URL has no %00')
}

function invalid(why: string, cause?: unknown): DamselflyError {
  return new DamselflyError('REQUEST_INVALID', why, { cause })
}
