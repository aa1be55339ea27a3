import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { describeInvalid } from '../../lib/http/describe-invalid.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { parseImageReference } from '../../protocol/image-reference.ts'
import { PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import { parseRegistryPath } from '../../protocol/registry-path.ts'

/**
 * Makes the check of one part of a request that its route's own schema leaves open.
 * @param part of the request, as errors call it
 * @returns throws DamselflyError REQUEST_INVALID for what does not match; the values are in no error, since they may be secrets
 */
export function createPartCheck<T extends TSchema>(part: string, schema: T): (value: unknown) => Static<T> {
  const compiled = Compile(schema)
  return value => {
    if (compiled.Check(value)) return value as Static<T>
    throw new DamselflyError('REQUEST_INVALID', describeInvalid(part, schema, compiled.Errors(value)))
  }
}

/** Checks what was made of a request in a form of somebody else. @throws DamselflyError REQUEST_INVALID */
export const checkedPreheat = createPartCheck('the job', PreheatRequest)

const URL_FORM = 'expected the URL of a manifest, https://host/v2/<name>/manifests/<tag or digest>'

/**
 * The image of `https://host[:port][/prefix]/v2/<name>/manifests/<reference>`, as `host[:port]/name:tag` or `…@digest`. How the host is asked is
 * said by the settings of its upstream, so the scheme and the prefix are left out, and so is a user.
 * @throws DamselflyError REQUEST_INVALID without the URL, which may hold a secret
 */
export function imageOfManifestUrl(url: string): string {
  const parsed = URL.parse(url)
  const registry = registryOf(parsed)
  if (parsed === null || registry === undefined) throw new DamselflyError('REQUEST_INVALID', URL_FORM)
  const { name, reference } = manifestAt(parsed.pathname)
  return imageNamed(registry, name, reference)
}

/** The registry that a URL is of; undefined for what is no URL of one. */
export function registryOfUrl(url: string): string | undefined {
  return registryOf(URL.parse(url))
}

/** A name without a dot would be taken for the first part of a repository, so it gets the port that it has anyway. */
function registryOf(url: URL | null): string | undefined {
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined
  const { host } = url
  if (/[.:]/.test(host) || host === 'localhost') return host
  return `${host}:${url.protocol === 'https:' ? 443 : 80}`
}

function manifestAt(pathname: string): { readonly name: string; readonly reference: string } {
  try {
    const path = decodeURIComponent(pathname)
    const found = parseRegistryPath(path.slice(path.indexOf('/v2/')))
    if (found.kind === 'manifest') return found
  } catch (error) {
    throw new DamselflyError('REQUEST_INVALID', URL_FORM, { cause: error })
  }
  throw new DamselflyError('REQUEST_INVALID', URL_FORM)
}

/**
 * An image as a job names it.
 * @param reference tag or digest
 * @throws DamselflyError REQUEST_INVALID
 */
export function imageNamed(registry: string, repository: string, reference: string): string {
  const image = `${registry}/${repository}${reference.includes(':') ? '@' : ':'}${reference}`
  try {
    parseImageReference(image)
  } catch (error) {
    const form = 'host/repository:tag, as harbor.example/library/nginx:1.27'
    throw new DamselflyError('REQUEST_INVALID', `"${image}" is no image of the form ${form}`, { cause: error })
  }
  return image
}
