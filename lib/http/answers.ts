import { type TSchema, Type } from 'typebox'
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts'

/** One answer of a route, in the form of fastify and of the OpenAPI "Response Object". */
export interface Answer {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>
}

/** The answers of a route by status, as the `response` of its schema. */
export type Answers = Readonly<Record<string, Answer | TSchema>>

/**
 * What a route answers.
 * @param good by status, when all is well
 * @param codes the errors of the table that callers of the route must reckon with; any other may come too
 */
export function answers(good: Answers, codes: readonly ErrorCode[] = []): Answers {
  const refusals = [...new Set(codes.map(statusOf))].map(status => {
    const ofStatus = codes.filter(code => statusOf(code) === status)
    const description = ofStatus.map(code => `${code}: ${ERRORS[code].message}`).join('; ')
    return [status, refusal(description, Type.Enum(ofStatus, { type: 'string' }))]
  })
  return { ...good, ...Object.fromEntries(refusals), default: refusal('any other error of the table', Type.String()) }
}

/** An answer that is JSON. */
export function jsonAnswer(description: string, schema: TSchema): Answer {
  return { description, content: { 'application/json': { schema } } }
}

/** An answer that is text. */
export function textAnswer(description: string, mediaType = 'text/plain'): Answer {
  return { description, content: { [mediaType]: { schema: Type.String() } } }
}

/** An answer without a body. */
export function noBody(description: string): TSchema {
  return Type.Null({ description })
}

function statusOf(code: ErrorCode): number {
  return ERRORS[code].status
}

function refusal(description: string, code: TSchema): Answer {
  const message = Type.String({ description: 'what happened, and what to do about it' })
  return jsonAnswer(description, Type.Object({ code, message }))
}
