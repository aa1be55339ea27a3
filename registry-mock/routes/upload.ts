import { isDigest, parseDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { isRepositoryName, type RegistryPath } from '../../protocol/registry-path.ts'
import { type Answer, emptyAnswer, errorAnswer } from '../answer.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { RegistryRequest } from '../registry-request.ts'
import type { Repositories } from '../repositories.ts'
import type { Upload, Uploads } from '../uploads.ts'

type UploadPath = Extract<RegistryPath, { kind: 'upload' }>

/** What the route works with. */
export interface UploadRouteComponents {
  readonly authorizer: Authorizer
  readonly repositories: Repositories
  readonly uploads: Uploads
}

/** `/v2/<name>/blobs/uploads/…`: begin, mount, send in chunks or at once, ask, end and cancel. */
export function createUploadRoute({ authorizer, repositories, uploads }: UploadRouteComponents) {
  return async (request: RegistryRequest, path: UploadPath): Promise<Answer> => {
    const { name, session } = path
    if (session === undefined) {
      if (request.method !== 'POST') throw new DamselflyError('UNSUPPORTED', 'uploads are begun by POST')
      return begin(request, name)
    }
    const upload = uploads.find(name, session)
    switch (request.method) {
      case 'PATCH':
        return patch(request, upload)
      case 'PUT':
        return put(request, upload)
      case 'GET':
      case 'HEAD':
        return emptyAnswer(204, progress(upload))
      case 'DELETE':
        await uploads.cancel(upload)
        return emptyAnswer(204)
      default:
        throw new DamselflyError('UNSUPPORTED', 'uploads take GET, HEAD, PATCH, PUT and DELETE')
    }
  }

  async function begin(request: RegistryRequest, name: string): Promise<Answer> {
    const { query } = request
    if (mount(request, name)) return created(name, query.get('mount') ?? '')
    const digest = query.get('digest')
    if (digest !== null) parseDigest(digest)
    const upload = await uploads.open(name)
    return digest === null ? emptyAnswer(202, progress(upload)) : put(request, upload)
  }

  /** Takes a blob over from another repository that the client may read; otherwise the client has to upload it. */
  function mount(request: RegistryRequest, name: string): boolean {
    const [digest, from] = [request.query.get('mount'), request.query.get('from')]
    if (digest === null || from === null || !isDigest(digest) || !isRepositoryName(from)) return false
    const credentials = { authorization: request.headers.authorization, baseUrl: request.baseUrl }
    if (!authorizer.allows(credentials, { name: from, actions: ['pull'] })) return false
    if (!repositories.hasBlob(from, digest)) return false
    repositories.linkBlob(name, digest)
    return true
  }

  async function patch(request: RegistryRequest, upload: Upload): Promise<Answer> {
    const refused = misplaced(request, upload)
    if (refused !== undefined) return refused
    await upload.append(request.body)
    return emptyAnswer(202, progress(upload))
  }

  async function put(request: RegistryRequest, upload: Upload): Promise<Answer> {
    const digest = parseDigest(request.query.get('digest') ?? '')
    const refused = misplaced(request, upload)
    if (refused !== undefined) return refused
    await upload.append(request.body)
    await uploads.complete(upload, digest)
    repositories.linkBlob(upload.repository, digest)
    return created(upload.repository, digest)
  }
}

/** The 416 for a chunk that does not begin where the last one ended. */
function misplaced({ headers }: RegistryRequest, upload: Upload): Answer | undefined {
  const header = headers['content-range']
  if (header === undefined) return undefined
  const [, first] = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(header) ?? []
  if (first === undefined) throw new DamselflyError('BLOB_UPLOAD_INVALID', 'Content-Range is <first>-<last>')
  if (Number(first) === upload.sizeBytes) return undefined
  return errorAnswer(new DamselflyError('RANGE_INVALID', `${upload.sizeBytes} bytes have arrived`), progress(upload))
}

function created(name: string, digest: string): Answer {
  return emptyAnswer(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
}

/** `Range` names the last byte that arrived; clients read `0-0` as nothing yet. */
function progress(upload: Upload): Record<string, string> {
  return {
    location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    range: `0-${Math.max(upload.sizeBytes - 1, 0)}`,
    'docker-upload-uuid': upload.id,
  }
}
