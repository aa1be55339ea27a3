import { hash } from 'node:crypto'
import type { Brand } from './brand.ts'
import { type Digest, isDigest } from './digest.ts'
import { DamselflyError } from './errors.ts'

/**
 * Names one immutable content in the whole cluster. A blob's task id is its digest, whatever registry or repository named it;
 * any other URL's is `url:<64 hex>`.
 */
export type TaskId = Brand<string, 'TaskId'>

/** The task of content whose digest is known. */
export function taskIdOfDigest(digest: Digest): TaskId {
  return digest as string as TaskId
}

/** The digest that the whole content must have, if the task id says so. */
export function digestOfTask(taskId: TaskId): Digest | undefined {
  return isDigest(taskId) ? taskId : undefined
}

/** What makes two URLs the same content. */
export interface UrlIdentity {
  readonly url: string
  /** ETag or Last-Modified, so that changed content becomes a new task. */
  readonly validator?: string | undefined
  /** The caller's own distinction. */
  readonly tag?: string | undefined
  /** For whom the content is: another distinction, under which it is counted, too. */
  readonly application?: string | undefined
  /** Names of query parameters that do not change the content, such as a signature's. */
  readonly filter?: readonly string[] | undefined
}

/**
 * The task of a URL without a digest: a hash of the normalised URL without the filtered parameters, its validator, and the caller's
 * distinctions. The filter counts only where it takes something away; there its names are a distinction too, so that nobody who filters
 * more than others can lead them to other content.
 */
export function taskIdOfUrl(identity: UrlIdentity): TaskId {
  const { url, filtered } = filteredUrl(identity.url, identity.filter ?? [])
  const parts = [url, identity.validator ?? '', identity.tag ?? '', identity.application ?? '', filtered]
  return `url:${hash('sha256', JSON.stringify(parts), 'hex')}` as TaskId
}

/** @returns the normalised URL without these query parameters, and which of them it had, sorted */
function filteredUrl(text: string, filter: readonly string[]): { url: string; filtered: string[] } {
  const url = new URL(normaliseUrl(text))
  const filtered = [...new Set(filter)].filter(name => url.searchParams.has(name)).sort()
  for (const name of filtered) url.searchParams.delete(name)
  return { url: url.href, filtered }
}

/** Whether the text is a task id. */
export function isTaskId(text: string): text is TaskId {
  return isDigest(text) || /^url:[a-f0-9]{64}$/.test(text)
}

/** Reads a task id. @throws DamselflyError TASK_UNKNOWN, since no malformed id can name a task */
export function parseTaskId(text: string): TaskId {
  if (!isTaskId(text)) throw new DamselflyError('TASK_UNKNOWN', 'a task id is a digest or url:<64 hex digits>')
  return text
}

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 's3:', 'file:', 'swarm:'])

/**
 * A URL in the one spelling that counts: WHATWG-normalised, without fragment and user information.
 * @throws DamselflyError REQUEST_INVALID for what is not an absolute URL of a kind that has content
 */
export function normaliseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !SCHEMES.has(url.protocol)) {
    throw new DamselflyError(
      'REQUEST_INVALID',
      'expected an absolute http://, https://, s3:// or file:// URL, or swarm:<digest>',
    )
  }
  // A key of S3 is not encoded: each of its characters belongs to it.
  if (url.protocol === 's3:') return text
  url.hash = ''
  url.username = ''
  url.password = ''
  return url.href
}
