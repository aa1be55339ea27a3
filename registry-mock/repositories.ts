import type { Digest } from '../protocol/digest.ts'
import { isDigest } from '../protocol/digest.ts'

/** A manifest or index as it was pushed. */
export interface StoredManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
  /** The manifest that this one refers to. */
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly annotations: Record<string, string> | undefined
}

interface Repository {
  readonly blobs: Set<Digest>
  readonly manifests: Map<Digest, StoredManifest>
  readonly tags: Map<string, Digest>
}

/** What each repository holds: manifests, tags, and the blobs that may be read through its name. */
export class Repositories {
  readonly #repositories = new Map<string, Repository>()

  linkBlob(name: string, digest: Digest): void {
    this.#repository(name).blobs.add(digest)
  }

  hasBlob(name: string, digest: Digest): boolean {
    return this.#repositories.get(name)?.blobs.has(digest) ?? false
  }

  /** @param reference a tag, or the digest of the manifest */
  putManifest(name: string, reference: string, manifest: StoredManifest): void {
    const repository = this.#repository(name)
    repository.manifests.set(manifest.digest, manifest)
    if (!isDigest(reference)) repository.tags.set(reference, manifest.digest)
  }

  /** @param reference a tag or digest */
  findManifest(name: string, reference: string): StoredManifest | undefined {
    const repository = this.#repositories.get(name)
    const digest = isDigest(reference) ? reference : repository?.tags.get(reference)
    return digest === undefined ? undefined : repository?.manifests.get(digest)
  }

  /** All tags in lexical order; undefined for a repository that nothing was pushed to. */
  tags(name: string): string[] | undefined {
    const repository = this.#repositories.get(name)
    return repository === undefined ? undefined : [...repository.tags.keys()].sort()
  }

  /** The manifests whose subject is the given one. */
  referrers(name: string, subject: Digest): StoredManifest[] {
    const manifests = this.#repositories.get(name)?.manifests.values() ?? []
    return [...manifests].filter(manifest => manifest.subject === subject)
  }

  #repository(name: string): Repository {
    const known = this.#repositories.get(name)
    if (known !== undefined) return known
    const fresh: Repository = { blobs: new Set(), manifests: new Map(), tags: new Map() }
    this.#repositories.set(name, fresh)
    return fresh
  }
}
