import { Compile } from 'typebox/compile'
import { ProgramVersion } from '../../protocol/messages/diagnosis.ts'
import { type ApiAddress, requestApi } from './client/api-endpoint.ts'

/** What a program says of itself, and when. */
export interface VersionAnswer extends ProgramVersion {
  /** The `Date` header: the program's clock in milliseconds since 1970, to the second; undefined without one. */
  readonly date: number | undefined
}

const schema = Compile(ProgramVersion)

/**
 * Asks a program for `GET /version`.
 * @param api where it is, for example `http://127.0.0.1:65001`
 * @returns undefined when something answers that is none of our programs
 * @throws what undici throws when nothing answers, or the reason of `signal`
 */
export async function askVersion(
  api: ApiAddress,
  { signal }: { signal: AbortSignal },
): Promise<VersionAnswer | undefined> {
  const { headers, body } = await requestApi(api, '/version', { signal })
  const text = await body.text()
  const answer = parse(text)
  if (!schema.Check(answer)) return undefined
  const date = Date.parse(String(headers.date))
  return { name: answer.name, version: answer.version, date: Number.isNaN(date) ? undefined : date }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
