import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { completeImageName } from '../../protocol/image-reference.ts'
import type { PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import { imageReference } from './image-name.ts'
import { parseScope } from './scope.ts'

/**
 * A request with all that it leaves open filled in, so that two that mean the same are the same.
 * @throws DamselflyError REQUEST_INVALID
 */
export function completeRequest(request: PreheatRequest): PreheatRequest {
  const { image, files, identity, scope = 'all', platforms = [], standing = false } = request
  parseScope(scope)
  if ((image === undefined) === (files === undefined)) {
    throw new DamselflyError('REQUEST_INVALID', 'a job is for either an image or files')
  }
  if (files === undefined && identity !== undefined) {
    throw new DamselflyError('REQUEST_INVALID', 'only files have an identity: layers are known by their digests')
  }
  if (files !== undefined && platforms.length > 0) {
    throw new DamselflyError('REQUEST_INVALID', 'only images have platforms')
  }
  for (const url of files ?? []) {
    if (!URL.canParse(url)) throw new DamselflyError('REQUEST_INVALID', `"${url.slice(0, 100)}" is no URL`)
  }
  const name = image === undefined ? undefined : completeImageName(image)
  if (name !== undefined) imageReference(name, {})
  return {
    ...request,
    ...(name !== undefined && { image: name }),
    scope,
    standing,
    platforms: [...new Set(platforms)].sort(),
  }
}

/** What a request is for. Who asks, and until when, is no part of it. */
export function requestKey({ image, files, identity, scope, platforms, standing }: PreheatRequest): string {
  const { tag, application, filter = [] } = identity ?? {}
  return JSON.stringify([image, files, tag, application, [...filter].sort(), scope, platforms, standing])
}

/** The same request for what a tag meant at the time. */
export function pinnedRequest(request: PreheatRequest, digest: Digest | undefined): PreheatRequest {
  const { image } = request
  return digest === undefined || image === undefined || image.includes('@')
    ? request
    : { ...request, image: `${image}@${digest}` }
}
