/**
 * What is written in a token: `dmsl_<id>_<secret>`, for joining `dmsl_<id>_<secret>_<cluster key>`. All parts are lower-case hexadecimal, so
 * that `_` is only between them, and one token is written in one way only.
 */
export interface Token {
  /** By which it is found; no secret. */
  readonly id: string
  readonly secret: string
  /** Raw Ed25519 key that the cluster signs with, in base64url as in `ClusterKey`: whom the holder may trust. */
  readonly clusterKey: string | undefined
}

/** Random bytes of an id and of a secret. 2^192 secrets cannot be tried. */
export const TOKEN_ID_BYTES = 6
export const TOKEN_SECRET_BYTES = 24
const CLUSTER_KEY_BYTES = 32

const hex = (bytes: number) => `[0-9a-f]{${2 * bytes}}`
const ID = new RegExp(`^${hex(TOKEN_ID_BYTES)}$`)
const FORM = new RegExp(
  `^dmsl_(?<id>${hex(TOKEN_ID_BYTES)})_(?<secret>${hex(TOKEN_SECRET_BYTES)})(?:_(?<key>${hex(CLUSTER_KEY_BYTES)}))?$`,
)
const MAX_LENGTH = 'dmsl_'.length + 2 * (TOKEN_ID_BYTES + TOKEN_SECRET_BYTES + CLUSTER_KEY_BYTES) + 2

/** Reads a token. @returns undefined for anything else */
export function parseToken(text: string): Token | undefined {
  // The expression is linear; the length saves it from megabytes.
  const { id, secret, key } = (text.length > MAX_LENGTH ? null : FORM.exec(text))?.groups ?? {}
  if (id === undefined || secret === undefined) return undefined
  return { id, secret, clusterKey: key === undefined ? undefined : Buffer.from(key, 'hex').toString('base64url') }
}

/** Writes a token. */
export function formatToken({ id, secret, clusterKey }: Token): string {
  const key = clusterKey === undefined ? '' : `_${Buffer.from(clusterKey, 'base64url').toString('hex')}`
  return `dmsl_${id}_${secret}${key}`
}

/** Whether this can be the id of a token. */
export function isTokenId(text: string): boolean {
  return ID.test(text)
}
