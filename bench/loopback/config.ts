import { tmpdir } from 'node:os'
import { Type } from 'typebox'

/** Where a benchmark stores what is measured. */
export function storeDirectory(description: string) {
  return Type.String({ default: tmpdir(), minLength: 1, placeholder: 'dir', description })
}

/** How often everything is measured. */
export const ROUNDS = Type.Integer({
  default: 3,
  minimum: 1,
  maximum: 100,
  placeholder: 'n',
  description: 'how often each is measured',
})
