import type { PreheatRequest } from '../../protocol/messages/preheat-api.ts'

/** What makes one file of a URL another for Dragonfly. For images it means nothing, since their contents are known by digest. */
export interface DragonflyFileIdentity {
  readonly tag?: string | undefined
  readonly application?: string | undefined
  /** Names of query parameters that do not count, as `Expires&Signature`. */
  readonly filter?: string | undefined
}

/** The same in our words. */
export function fileIdentity({
  tag = '',
  application = '',
  filter = '',
}: DragonflyFileIdentity): Pick<PreheatRequest, 'identity'> {
  const names = filter.split('&').filter(name => name !== '')
  const identity = {
    ...(tag !== '' && { tag }),
    ...(application !== '' && { application }),
    ...(names.length > 0 && { filter: names }),
  }
  return Object.keys(identity).length > 0 ? { identity } : {}
}
