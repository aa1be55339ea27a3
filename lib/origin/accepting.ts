import { contentRequestHeaders } from './request-headers.ts'

/** The requester's headers for a page or manifest that says where content is, in the types that can be read. */
export function accepting(accept: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(contentRequestHeaders(headers)).filter(([name]) => name.toLowerCase() !== 'accept')
  return { ...Object.fromEntries(kept), accept }
}
