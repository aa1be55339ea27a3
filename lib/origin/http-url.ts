import { DamselflyError } from '../../protocol/errors.ts'

/** Reads an absolute http or https URL. @throws DamselflyError REQUEST_INVALID */
export function parseHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new DamselflyError('REQUEST_INVALID', 'expected an absolute http:// or https:// URL')
  }
  return url
}

/**
 * A URL as it may be logged or told to others: without query and fragment, because presigned URLs carry their signature
 * there, and without user information.
 */
export function redactUrl(url: string | URL): string {
  if (typeof url === 'string' && !URL.canParse(url)) return '(malformed URL)'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
