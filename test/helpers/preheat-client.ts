import { request } from 'undici'
import { expect } from 'vitest'
import { type ApiDocument, createAnswerChecker } from './api-document.ts'
import type { PreheatServer } from './preheat-server.ts'

/** The token of an operator of a `createPreheatServer`. */
export const OPERATOR = { authorization: 'Bearer dmsl_operator' }

export interface Asked {
  /** Of the body; JSON by default. */
  readonly type?: string
  /** The operator's token by default. */
  readonly headers?: Record<string, string>
  /** GET without a body and POST with one, by default. */
  readonly method?: 'GET' | 'POST' | 'DELETE'
}

/** Whoever asks a server over connections. */
export interface PreheatClient {
  /** Asks, and checks that the answer is as the server's description says. `json` is the text where that is no object or list. */
  ask(path: string, body?: string, asked?: Asked): Promise<{ status: number; text: string; json: unknown }>
  /** All that was answered. */
  answered(): string
}

/** @param server that is started */
export async function createPreheatClient({ http }: PreheatServer): Promise<PreheatClient> {
  const { body: described } = await request(`${http.url()}/openapi.json`)
  const check = createAnswerChecker((await described.json()) as ApiDocument)
  const texts: string[] = []
  return {
    answered: () => texts.join('\n'),
    async ask(path, body, { type = 'application/json', headers = OPERATOR, method } = {}) {
      const asked = method ?? (body === undefined ? 'GET' : 'POST')
      const answer = await request(`${http.url()}${path}`, {
        method: asked,
        headers: { ...headers, ...(body !== undefined && { 'content-type': type }) },
        ...(body !== undefined && { body }),
      })
      const text = await answer.body.text()
      const { statusCode: status } = answer
      const contentType = String(answer.headers['content-type'])
      const described = path.replace(/^\/v1\.0\.6/, '')
      expect(check({ method: asked, path: described, status, contentType, text })).toEqual([])
      texts.push(text)
      return { status, text, json: /^[{[]/.test(text) ? JSON.parse(text) : text }
    },
  }
}
