import { request } from 'undici'
import { expect } from 'vitest'

/** An HTTP answer, with its whole body. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

/** Sends a request and reads the answer to its end. */
export async function ask(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', ...rest } = init
  const response = await request(url, { ...rest, method: method as 'GET' })
  const body = Buffer.from(await response.body.arrayBuffer())
  return { status: response.statusCode, headers: response.headers, body }
}

/** The first error code of an answer in the OCI form, and proof that it has that form. */
export function ociCodeOf({ body, headers }: Answer): string | undefined {
  expect(headers['content-type']).toMatch(/^application\/json/)
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string; message: string }[] }
  expect(errors[0]?.message).toEqual(expect.any(String))
  return errors[0]?.code
}
