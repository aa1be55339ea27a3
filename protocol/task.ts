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
}

/** The task of a URL without a digest: a hash of the normalised URL, its validator and the caller's tag. */
export function taskIdOfUrl(identity: UrlIdentity): TaskId {
  const parts = [normaliseUrl(identity.url), identity.validator ?? '', identity.tag ?? '']
  return `url:${hash('sha256', JSON.stringify(parts), 'hex')}` as TaskId
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

/**
 * A URL in the one spelling that counts: WHATWG-normalised, without fragment and user information.
 * @throws DamselflyError REQUEST_INVALID for what is not an absolute http or https URL
 */
export function normaliseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new DamselflyError('REQUEST_INVALID', 'expected an absolute http:// or https:// URL')
  }
  url.hash = ''
  url.username = ''
  url.password = ''
  return url.href
}
