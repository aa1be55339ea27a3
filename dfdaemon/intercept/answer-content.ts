import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GiveContentComponents, giveContent } from '../proxy/give-content.ts'
import type { AnswerContent, ContentTarget } from './answer-proxied.ts'

/** Answers intercepted requests through the node's peer. What the swarm cannot give, as a bad range, its origin answers. */
export function createAnswerContent(components: GiveContentComponents): AnswerContent {
  return ({ headers }: IncomingMessage, response: ServerResponse, target: ContentTarget, { signal }) =>
    giveContent(components, {
      source: target,
      subject: { registry: null, repository: null, client: headers['user-agent'] ?? null },
      range: headers.range,
      p2p: true,
      begin: (status, fields) => response.writeHead(status, fields),
      signal,
    })
}
