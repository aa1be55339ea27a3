import type { FetchedSource, RegisteredSource } from '../../protocol/messages/registration.ts'
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

/**
 * What a peer is told of a source that it shall fetch from the swarm: what its content is called ({@link contentKeyOf}), and nothing that
 * opens its origin. Headers, credentials and the user of the URL are left out, and the parameters that do not change the content, such as
 * a signature, are empty.
 */
export function fetchedSource({ url, digest, identity }: Source): FetchedSource {
  return {
    url: withoutSecrets(url, identity?.filter ?? []),
    ...(digest && { digest }),
    ...(identity && { identity: registeredIdentity(identity) }),
  }
}

function withoutSecrets(text: string, filter: readonly string[]): string {
  const url = new URL(text)
  if (url.protocol === 'swarm:') return text
  url.username = ''
  url.password = ''
  url.hash = ''
  for (const name of filter) if (url.searchParams.has(name)) url.searchParams.set(name, '')
  return url.href
}

function registeredIdentity({ tag, application, filter }: SourceIdentity) {
  return {
    ...(tag === undefined ? {} : { tag }),
    ...(application === undefined ? {} : { application }),
    ...(filter === undefined ? {} : { filter: [...filter] }),
  }
}
