import type { RegisteredSource } from '../../protocol/messages/registration.ts'
import type { Source, SourceIdentity } from './origin.ts'

/** A source as messages carry it. */
export function registeredSource(source: Source): RegisteredSource {
  const { url, headers, credentials, digest, identity, blockSizeBytes } = source
  return {
    url,
    headers: { ...headers },
    ...(credentials && { credentials }),
    ...(digest && { digest }),
    ...(identity && { identity: registeredIdentity(identity) }),
    ...(blockSizeBytes && { blockSizeBytes }),
  }
}

function registeredIdentity({ tag, application, filter }: SourceIdentity) {
  return {
    ...(tag === undefined ? {} : { tag }),
    ...(application === undefined ? {} : { application }),
    ...(filter === undefined ? {} : { filter: [...filter] }),
  }
}
