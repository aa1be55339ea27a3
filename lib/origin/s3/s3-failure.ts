import type { ErrorCode } from '../../../protocol/errors.ts'
import { OriginError } from '../origin-error.ts'
import { formatS3Url, type S3Location } from './s3-url.ts'
import { parseS3Error, type S3ErrorAnswer } from './s3-xml.ts'

/** What a request was about, for the message of its failure. */
export interface S3Attempt {
  readonly location: S3Location
  /** Host of the store. */
  readonly host: string
  readonly region: string
  /** Whether the request was signed. */
  readonly signed: boolean
  /** What an account has to be allowed to do. */
  readonly permission: 's3:GetObject' | 's3:ListBucket'
}

type Explain = (attempt: S3Attempt, answer: S3ErrorAnswer) => string
interface Explained {
  readonly code: ErrorCode
  readonly explain: Explain
}

const wrongRegion: Explained = {
  code: 'REQUEST_INVALID',
  explain: ({ location, host, region }, answer) =>
    answer.region !== undefined && answer.region !== region
      ? `the bucket ${location.bucket} is in the region ${answer.region}, not ${region}; set AWS_REGION=${answer.region}`
      : `${host} does not serve the bucket ${location.bucket} in the region ${region}; check AWS_REGION and the endpoint`,
}
const wrongClock: Explained = {
  code: 'UNAUTHORIZED',
  explain: ({ host }) =>
    `the clocks of this machine and of ${host} differ too much for a signature; set this machine's`,
}
const endedToken: Explained = {
  code: 'UNAUTHORIZED',
  explain: ({ host }) =>
    `${host} says that the temporary keys have ended; get new ones and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN`,
}
const busy: Explained = {
  code: 'TOOMANYREQUESTS',
  explain: ({ host }) => `${host} is asked too much at the moment; try again later`,
}

/** What the codes of S3 mean to whoever asked (S3 API reference, "List of error codes"). */
const EXPLAINED: Readonly<Record<string, Explained>> = {
  NoSuchKey: {
    code: 'BLOB_UNKNOWN',
    explain: ({ location }) =>
      `${formatS3Url(location)} does not exist; capitals count, and the key is taken as written`,
  },
  NoSuchBucket: {
    code: 'BLOB_UNKNOWN',
    explain: ({ location, host }) =>
      `there is no bucket ${location.bucket} at ${host}; check its name, the endpoint and AWS_REGION`,
  },
  AccessDenied: { code: 'DENIED', explain: explainDenial },
  InvalidAccessKeyId: {
    code: 'UNAUTHORIZED',
    explain: ({ host }) =>
      `${host} does not know the access key; check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint`,
  },
  SignatureDoesNotMatch: {
    code: 'UNAUTHORIZED',
    explain: ({ host }) =>
      `${host} does not accept the signature; check that AWS_SECRET_ACCESS_KEY belongs to AWS_ACCESS_KEY_ID, and the region`,
  },
  ExpiredToken: endedToken,
  InvalidToken: endedToken,
  TokenRefreshRequired: endedToken,
  RequestTimeTooSkewed: wrongClock,
  RequestExpired: wrongClock,
  AuthorizationHeaderMalformed: wrongRegion,
  AuthorizationQueryParametersError: wrongRegion,
  PermanentRedirect: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidObjectState: {
    code: 'DENIED',
    explain: ({ location }) => `${formatS3Url(location)} is archived; restore it before it can be read`,
  },
  SlowDown: busy,
  ServiceUnavailable: busy,
}

/**
 * The failure of a request to an S3 store in one line that says what to do. What no store answered stays as it is.
 * @returns what to throw
 */
export async function explainS3Failure(thrown: unknown, attempt: S3Attempt): Promise<unknown> {
  if (!(thrown instanceof OriginError) || thrown.originBody === undefined) return thrown
  const answer = await parseS3Error(thrown.originBody)
  if (answer === undefined) return thrown
  const { originStatus, originHeaders, originBody } = thrown
  const explained = explanationOf(answer)
  const { code = thrown.code } = explained ?? {}
  const detail = explained?.explain(attempt, answer) ?? `${thrown.detail} ${answer.code}: ${answer.message}`
  return new OriginError(code, detail, { originStatus, originHeaders, originBody }, { cause: thrown })
}

function explanationOf({ code, message }: S3ErrorAnswer): Explained | undefined {
  // Presigned URLs that have ended have no code of their own. Ours are used at once.
  if (code === 'AccessDenied' && /expired|not yet valid/i.test(message)) return wrongClock
  return Object.hasOwn(EXPLAINED, code) ? EXPLAINED[code] : undefined
}

function explainDenial({ location, host, signed, permission }: S3Attempt): string {
  const what = permission === 's3:GetObject' ? `read ${formatS3Url(location)}` : `list the bucket ${location.bucket}`
  if (!signed) {
    return `${host} lets nobody without keys ${what}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials`
  }
  const hint = permission === 's3:GetObject' ? ', or the object does not exist and the account may not know that' : ''
  return `${host} does not let the account ${what}: it needs ${permission}${hint}`
}
