import { DamselflyError } from '../../protocol/errors.ts'
import type { Origin, Source } from './origin.ts'

/** An origin for each scheme, by its name without the colon. `http` also reads https. */
export interface OriginsByScheme {
  readonly http: Origin
  readonly [scheme: string]: Origin
}

/**
 * One origin that reads each source with the origin of its URL's scheme.
 * @throws beside what those throw: DamselflyError REQUEST_INVALID for a scheme that there is no origin for
 */
export function createOrigins(origins: OriginsByScheme): Origin & Required<Pick<Origin, 'locate'>> {
  const byScheme = new Map(Object.entries({ https: origins.http, ...origins }))

  function originOf({ url }: Source): Origin {
    const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url) ?? []
    const origin = byScheme.get(scheme.toLowerCase())
    if (origin !== undefined) return origin
    const known = [...byScheme.keys()].sort().map(name => `${name}://`)
    throw new DamselflyError('REQUEST_INVALID', `expected a URL that begins with one of ${known.join(', ')}`)
  }

  return {
    open: async (source, options) => originOf(source).open(source, options),
    check: async (source, options) => originOf(source).check(source, options),
    locate: async source => originOf(source).locate?.(source) ?? source,
  }
}
