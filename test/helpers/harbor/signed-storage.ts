import type { Clock } from '../../../lib/clock.ts'
import type { Signer } from '../../../registry-mock/auth/signer.ts'
import { answerFromBackend } from '../registry-front/answers.ts'
import type { FrontExchange } from '../registry-front/front-server.ts'

/** What a signed URL gives access to. */
export interface StoredBlob {
  readonly name: string
  readonly digest: string
}

/** An object storage as Harbor redirects to: it looks at signatures only. */
export interface SignedStorage {
  /** Path and query that give a blob to one method, for a while. */
  pathOf(blob: StoredBlob, method: string): string
  /** As at S3: 400 for an `Authorization` beside the signature, 403 for another method than was signed, or too late. */
  handle(exchange: FrontExchange): Promise<void>
}

export function createSignedStorage(
  { signer, clock }: { readonly signer: Signer; readonly clock: Clock },
  { registryUrl, lifetimeSeconds }: { readonly registryUrl: string; readonly lifetimeSeconds: number },
): SignedStorage {
  const signed = (method: string, { name, digest }: StoredBlob, expires: string) =>
    signer.sign([method, name, digest, expires].join('\n'))

  return {
    pathOf(blob, method) {
      const expires = String(clock.wallTime() + lifetimeSeconds * 1000)
      const query = new URLSearchParams({ name: blob.name, expires, signature: signed(method, blob, expires) })
      return `/storage/${blob.digest}?${query}`
    },
    async handle(exchange) {
      const { request, response, url } = exchange
      const [name, expires, signature] = ['name', 'expires', 'signature'].map(key => url.searchParams.get(key) ?? '')
      const blob = { name: name ?? '', digest: url.pathname.slice('/storage/'.length) }
      const refuse = (status: number, code: string) =>
        void response
          .writeHead(status, { 'content-type': 'application/xml' })
          .end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`)
      if (request.headers.authorization !== undefined) return refuse(400, 'InvalidArgument')
      if (signature !== signed(request.method ?? '', blob, expires ?? '')) return refuse(403, 'SignatureDoesNotMatch')
      if (Number(expires) <= clock.wallTime()) return refuse(403, 'AccessDenied')
      return await answerFromBackend(exchange, { registryUrl, path: `/v2/${blob.name}/blobs/${blob.digest}` })
    },
  }
}
