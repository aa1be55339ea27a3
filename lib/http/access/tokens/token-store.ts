import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { DamselflyError } from '../../../../protocol/errors.ts'
import type { MadeToken, TokenRequest, TokenRole, TokenView } from '../../../../protocol/messages/token-api.ts'
import { formatToken, parseToken, TOKEN_ID_BYTES, TOKEN_SECRET_BYTES } from '../../../../protocol/token.ts'
import type { Clock } from '../../../clock.ts'
import type { Startable } from '../../../lifecycle.ts'
import { readTokens, type StoredToken, writeTokens } from './stored-tokens.ts'

export interface TokenStoreComponents {
  readonly clock: Pick<Clock, 'wallTime'>
  /** Compares two hashes in a time that says nothing of them; `timingSafeEqual` by default. */
  readonly compare?: (one: Buffer, other: Buffer) => boolean
}

export interface TokenStoreInit {
  readonly dataDir: string
  /** Roles that tokens of this program can have. */
  readonly roles: readonly TokenRole[]
  /** Public key of the cluster in base64url, which its tokens carry, so that their holders know whom to show them to. */
  readonly clusterKey?: string
}

const DAY_MS = 86_400_000
const LIFETIME_MS: Readonly<Record<TokenRole, number>> = { node: DAY_MS, viewer: 90 * DAY_MS, operator: 90 * DAY_MS }
const MAX_TOKENS = 1_000
/** Changes that wait for one another. */
const MAX_WAITING = 64

/**
 * The tokens of one program, which alone changes their file, `tokens.json` in its data directory. Only hashes are kept. A change is on the disk
 * before it is answered.
 */
export class TokenStore implements Startable {
  readonly #clock: Pick<Clock, 'wallTime'>
  readonly #compare: (one: Buffer, other: Buffer) => boolean
  readonly #init: TokenStoreInit
  readonly #path: string
  /** Compared with where there is no token of an id. */
  readonly #nobody = randomBytes(32)
  readonly #oneByOne = pLimit(1)
  #tokens = new Map<string, StoredToken>()
  /** Taken back, although that may not be on the disk yet. */
  readonly #revoked = new Set<string>()

  constructor({ clock, compare = timingSafeEqual }: TokenStoreComponents, init: TokenStoreInit) {
    this.#clock = clock
    this.#compare = compare
    this.#init = init
    this.#path = join(init.dataDir, 'tokens.json')
  }

  /** @throws DamselflyError CONFIG_INVALID when the file is none of tokens */
  async start(): Promise<void> {
    this.#tokens = new Map((await readTokens(this.#path)).map(token => [token.id, token]))
  }

  async stop(): Promise<void> {
    await this.#oneByOne(async () => {})
  }

  /** The newest first; those that have expired until they are cleared away with the next change. */
  list(): TokenView[] {
    return [...this.#tokens.values()].toReversed().map(viewOf)
  }

  /** Makes a token. @throws DamselflyError REQUEST_INVALID, TOOMANYREQUESTS, STORE_FAILED */
  async create({ role, expiresInSeconds, uses, comment = '' }: TokenRequest): Promise<MadeToken> {
    const { roles, clusterKey } = this.#init
    if (!roles.includes(role)) {
      throw new DamselflyError('REQUEST_INVALID', `tokens of this program are for ${roles.join(' or ')}, not ${role}`)
    }
    if (uses !== undefined && role !== 'node') {
      throw new DamselflyError('REQUEST_INVALID', 'only tokens for nodes are used up; give no uses')
    }
    const id = randomBytes(TOKEN_ID_BYTES).toString('hex')
    const secret = randomBytes(TOKEN_SECRET_BYTES).toString('hex')
    const createdAt = Math.floor(this.#clock.wallTime())
    const lifetimeMs = expiresInSeconds === undefined ? LIFETIME_MS[role] : expiresInSeconds * 1000
    const usesLeft = role !== 'node' || uses === 0 ? null : (uses ?? 1)
    const expiresAt = lifetimeMs === 0 ? null : createdAt + lifetimeMs
    const sha256 = hashOf(id, secret).toString('hex')
    const stored: StoredToken = { id, role, createdAt, expiresAt, usesLeft, comment, sha256 }
    await this.#change(tokens => {
      if (tokens.size >= MAX_TOKENS) {
        throw new DamselflyError('REQUEST_INVALID', `there are ${MAX_TOKENS} tokens; revoke those that nobody needs`)
      }
      tokens.set(id, stored)
    })
    return {
      ...viewOf(stored),
      token: formatToken({ id, secret, clusterKey }),
    }
  }

  /**
   * Takes a token back, at once, and then on the disk. May be repeated where that failed.
   * @throws DamselflyError TOKEN_UNKNOWN, STORE_FAILED
   */
  async revoke(id: string): Promise<void> {
    if (!this.#tokens.has(id)) {
      throw new DamselflyError('TOKEN_UNKNOWN', '"token list" shows those that there are')
    }
    this.#revoked.add(id)
    await this.#change(tokens => void tokens.delete(id))
  }

  /** The token that somebody shows, while it is valid. Takes the same time for any text. */
  find(text: string): TokenView | undefined {
    const token = this.#valid(text)
    return token === undefined ? undefined : viewOf(token)
  }

  /**
   * Uses a token once: that is on the disk before this returns.
   * @throws DamselflyError UNAUTHORIZED when it is not valid, whatever the reason; TOOMANYREQUESTS, STORE_FAILED
   */
  async spend(text: string, role: TokenRole): Promise<TokenView> {
    // Nobody without a token has the disk written to, or waits for it.
    required(this.#valid(text), role)
    let spent: StoredToken | undefined
    await this.#change(tokens => {
      const token = required(this.#valid(text), role)
      spent = token.usesLeft === null ? token : { ...token, usesLeft: token.usesLeft - 1 }
      tokens.set(token.id, spent)
    })
    return viewOf(required(spent, role))
  }

  #valid(text: string): StoredToken | undefined {
    const { id = '', secret = '' } = parseToken(text) ?? {}
    const token = this.#tokens.get(id)
    const expected = token === undefined ? this.#nobody : Buffer.from(token.sha256, 'hex')
    const isGenuine = this.#compare(hashOf(id, secret), expected)
    const isAlive = token !== undefined && !this.#isOver(token) && token.usesLeft !== 0 && !this.#revoked.has(id)
    return isGenuine && isAlive ? token : undefined
  }

  #isOver({ expiresAt }: StoredToken): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.wallTime()
  }

  /** Changes a copy, writes it, and goes on with it. Clears away what nobody can use any more. */
  async #change(change: (tokens: Map<string, StoredToken>) => void): Promise<void> {
    if (this.#oneByOne.pendingCount >= MAX_WAITING) throw new DamselflyError('TOOMANYREQUESTS', 'try again in a moment')
    await this.#oneByOne(async () => {
      const alive = [...this.#tokens].filter(([, token]) => !this.#isOver(token))
      const tokens = new Map(alive)
      change(tokens)
      await writeTokens(this.#path, [...tokens.values()])
      this.#tokens = tokens
      for (const id of this.#revoked) if (!tokens.has(id)) this.#revoked.delete(id)
    })
  }
}

function required(token: StoredToken | undefined, role: TokenRole): StoredToken {
  if (token?.role === role) return token
  throw new DamselflyError('UNAUTHORIZED', 'the token is not valid, or not any more; have another one made')
}

function hashOf(id: string, secret: string): Buffer {
  return createHash('sha256').update(`dmsl_${id}_${secret}`).digest()
}

function viewOf({ id, role, createdAt, expiresAt, usesLeft, comment }: StoredToken): TokenView {
  return { id, role, createdAt, expiresAt, usesLeft, comment }
}
