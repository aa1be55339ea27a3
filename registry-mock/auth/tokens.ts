import type { Clock } from '../../lib/clock.ts'
import type { RepositoryAccess } from './scope.ts'
import type { Signer } from './signer.ts'

/** Makes and reads bearer tokens. A token carries what it grants, so none are kept. */
export interface Tokens {
  readonly lifetimeSeconds: number
  issue(access: readonly RepositoryAccess[]): string
  /** What a token grants; undefined when it is not ours or has expired. */
  read(token: string): readonly RepositoryAccess[] | undefined
}

/** Tokens that are good for the given time. */
export function createTokens(
  { signer, clock }: { signer: Signer; clock: Clock },
  { lifetimeSeconds }: { lifetimeSeconds: number },
): Tokens {
  return {
    lifetimeSeconds,
    issue(access) {
      const claims = { access, expiresAtMs: clock.wallTime() + lifetimeSeconds * 1000 }
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
      return `${payload}.${signer.sign(payload)}`
    },
    read(token) {
      const [payload = '', signature = ''] = token.split('.')
      if (!signer.verify(payload, signature)) return undefined
      const { access, expiresAtMs } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
      return expiresAtMs > clock.wallTime() ? access : undefined
    },
  }
}

interface Claims {
  access: RepositoryAccess[]
  expiresAtMs: number
}
