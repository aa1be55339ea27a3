import { DamselflyError } from '../protocol/errors.ts'

const ADVICE: Readonly<Record<string, string>> = {
  EACCES:
    'ports below 1024 need a right that this user lacks: choose another port, or give the program CAP_NET_BIND_SERVICE',
  EADDRINUSE: 'another program listens there: stop it, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address: choose one of its own, or 0.0.0.0 for all of them',
}

/**
 * What to do about an address that a server cannot listen on.
 * @param address as it was configured
 * @returns a DamselflyError CONFIG_INVALID, or the error itself when there is no advice for it
 */
export function listenError(error: unknown, address: string): unknown {
  const advice = ADVICE[codeOf(error)]
  if (advice === undefined) return error
  return new DamselflyError('CONFIG_INVALID', `cannot listen on ${address}; ${advice}`, { cause: error })
}

/** libp2p tells several failures in the text of one error. */
function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined && Object.hasOwn(ADVICE, code)) return code
  return /\blisten (E[A-Z]+)\b/.exec(message)?.[1] ?? ''
}
