import type { Digest } from '../protocol/digest.ts'
import type { Content } from './content.ts'

/** Where blobs are kept. Blobs are shared by all repositories; `Repositories` knows who may name which. */
export interface ContentStore {
  find(digest: Digest): Content | undefined
  /** Makes content findable. The caller has checked its digest. A second copy of a known blob is given back. */
  add(digest: Digest, content: Content): Promise<void>
  /** A place for bytes that arrive now. @throws DamselflyError STORE_FAILED */
  createWriter(): Promise<ContentWriter>
  start(): Promise<void>
  /** Gives back the files that the store made, and forgets their content. */
  stop(): Promise<void>
}

/** Takes the bytes of one upload in order. */
export interface ContentWriter {
  readonly sizeBytes: number
  /** @throws DamselflyError STORE_FAILED */
  write(bytes: Uint8Array): Promise<void>
  /** Ends the writing; the content is readable but not yet in the store. */
  finish(): Promise<Content>
  discard(): Promise<void>
}
