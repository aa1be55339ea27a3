import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { OriginError } from '../../../lib/origin/origin-error.ts'
import type { IndexContent, IndexEntry } from './index-content.ts'

/** What nginx lists with `autoindex_format json` (ngx_http_autoindex_module). */
const Entry = Type.Object({
  name: Type.String(),
  type: Type.String(),
  size: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
})

const schema = Compile(Type.Array(Entry))

/** Reads an index in nginx's JSON. @throws OriginError ORIGIN_FAILED for other JSON */
export async function readJsonIndex(body: AsyncIterable<Uint8Array>, place: string): Promise<IndexContent> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  const list = parseJson(Buffer.concat(chunks).toString('utf8'))
  if (!schema.Check(list)) {
    throw new OriginError('ORIGIN_FAILED', `${place} is JSON, but not an index as nginx writes them`)
  }
  return { entries: list.flatMap(toEntry) }
}

/** Sockets and devices, of type `other`, are nothing to download. */
function toEntry({ name, type, size }: Static<typeof Entry>): IndexEntry[] {
  const href = `./${encodeURIComponent(name.toWellFormed())}`
  if (type === 'directory') return [{ href: `${href}/` }]
  return type === 'file' ? [{ href, sizeBytes: size }] : []
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
