import { DamselflyError } from '../../protocol/errors.ts'

/** Reads `host:port`, also `[::1]:8002`. @throws DamselflyError CONFIG_INVALID */
export function parseListenAddress(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65_535) {
    throw new DamselflyError(
      'CONFIG_INVALID',
      `"${text}" is not an address: expected host:port, for example 127.0.0.1:8002`,
    )
  }
  return { host, port }
}
