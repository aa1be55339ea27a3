import type { Fault, Misdeed, RequestKind } from './fault.ts'

/** A way in which the origin misbehaves behind dfdaemon, and how every runtime's pull ends. */
export interface OriginCase {
  readonly name: string
  /** `port closed` takes the whole origin away. */
  readonly faults: readonly Fault[] | 'port closed'
  /** `warm`: each node has pulled the image before the origin misbehaves. */
  readonly image: 'cold' | 'warm'
  /**
   * `pulled`: by all, and no blob by a way around dfdaemon. Otherwise no pull can succeed, every runtime's words match, and the
   * next pull succeeds.
   */
  readonly ends: 'pulled' | RegExp
}

const on =
  (...kinds: readonly RequestKind[]) =>
  (times: Fault['times'], does: Misdeed): Fault[] =>
    kinds.map(kind => ({ on: kind, times, does }))

const [base, manifest, blob] = [on('base'), on('manifest'), on('blob')]
const content = on('manifest', 'blob')
const everything = on('base', 'manifest', 'blob')

const status = (code: number, headers = {}): Misdeed => ({ kind: 'status', status: code, headers })
const cut = (by: 'fin' | 'rst', after: 'half' | 'nothing'): Misdeed => ({ kind: 'cut', by, after })
const SLOW: Misdeed = { kind: 'delay', delayMs: 2_500 }
const WHOLE: Misdeed = { kind: 'no-ranges' }
const ENDS_EARLY: Misdeed = { kind: 'chunked', sends: 'half' }
const NO_LENGTH: Misdeed = { kind: 'chunked', sends: 'all' }
const WRONG_BYTE: Misdeed = { kind: 'flip' }
const WAIT = { 'retry-after': '1' }
const NO_WAIT = { 'retry-after': '0' }

const pulled = (name: string, faults: OriginCase['faults'], image: OriginCase['image'] = 'cold'): OriginCase => ({
  name,
  faults,
  image,
  ends: 'pulled',
})
const fails = (name: string, faults: OriginCase['faults'], ends: RegExp): OriginCase => ({
  name,
  faults,
  image: 'cold',
  ends,
})

/** The faults of contracts §6.1 that an origin can have. */
export const ORIGIN_CASES: readonly OriginCase[] = [
  pulled('none', []),
  pulled('/v2/ 500', base('always', status(500))),
  pulled('manifest, blob 500 once', content('once', status(500))),
  pulled('manifest, blob 429 once', content('once', status(429, WAIT))),
  pulled('manifest, blob slow', content('once', SLOW)),
  pulled('blob FIN at half once', blob('once', cut('fin', 'half'))),
  pulled('blob FIN before a byte once', blob('once', cut('fin', 'nothing'))),
  pulled('blob RST at half once', blob('once', cut('rst', 'half'))),
  pulled('blob RST, then 200 to ranges', [...blob('once', cut('rst', 'half')), ...blob('always', WHOLE)]),
  pulled('blob without length', blob('always', NO_LENGTH)),
  pulled('blob chunked, ends early once', blob('once', ENDS_EARLY)),
  pulled('blob 307 to another port', blob('always', { kind: 'redirect' })),
  pulled('Bearer everywhere', everything('always', { kind: 'challenge', scheme: 'Bearer' })),
  pulled('Bearer but on /v2/', content('always', { kind: 'challenge', scheme: 'Bearer' })),
  pulled('port closed after a pull', 'port closed', 'warm'),
  pulled('manifest, blob 500 after a pull', content('always', status(500)), 'warm'),
  pulled('blob wrong byte once', blob('once', WRONG_BYTE)),
  fails('port closed', 'port closed', /connection refused/),
  fails('manifest 404', manifest('always', status(404)), /\b404\b|not found|unknown/i),
  fails('manifest 429', manifest('always', status(429, NO_WAIT)), /\b429\b|too ?many ?requests/i),
  fails('manifest 500', manifest('always', status(500)), /\b500\b/),
  fails('blob 404', blob('always', status(404)), /\b404\b|not found|unknown blob|blob unknown/i),
  fails('blob 429', blob('always', status(429, NO_WAIT)), /\b429\b|too ?many ?requests/i),
  fails('blob 500', blob('always', status(500)), /\b500\b/),
  fails(
    'Basic, no account',
    everything('always', { kind: 'challenge', scheme: 'Basic' }),
    /\b401\b|no basic auth|unauthorized|authentication required/i,
  ),
  fails('blob FIN at half', blob('always', cut('fin', 'half')), /EOF|closed|\b502\b/),
  fails('blob wrong byte', blob('always', WRONG_BYTE), /digest|verification failed|EOF|\b502\b/),
]
