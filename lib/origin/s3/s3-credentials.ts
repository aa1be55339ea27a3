import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DamselflyError } from '../../../protocol/errors.ts'
import { parseProfiles } from './s3-profiles.ts'
import type { Environment } from './s3-settings.ts'

/** The keys of an account. The secret ones are not enumerable, so that no log, JSON or inspection shows them. */
export class S3Credentials {
  readonly accessKeyId: string
  readonly #secretAccessKey: string
  readonly #sessionToken: string | undefined

  constructor(accessKeyId: string, secretAccessKey: string, sessionToken?: string) {
    this.accessKeyId = accessKeyId
    this.#secretAccessKey = secretAccessKey
    this.#sessionToken = sessionToken
  }

  get secretAccessKey(): string {
    return this.#secretAccessKey
  }

  /** Goes with keys that are good for some hours only. */
  get sessionToken(): string | undefined {
    return this.#sessionToken
  }
}

/**
 * Finds the keys to sign with; undefined to ask without signature. Called for each request, so that keys that were renewed are used.
 * @throws DamselflyError CONFIG_INVALID
 */
export type FindS3Credentials = () => Promise<S3Credentials | undefined>

/**
 * Looks for keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, then in the profile `AWS_PROFILE` (`default`
 * by default) of `AWS_SHARED_CREDENTIALS_FILE` (`~/.aws/credentials`). Only what was named must be there.
 */
export function createS3CredentialFinder(environment: Environment): FindS3Credentials {
  const variable = (name: string): string | undefined => environment[name] || undefined
  return async () => {
    const id = variable('AWS_ACCESS_KEY_ID')
    const secret = variable('AWS_SECRET_ACCESS_KEY')
    if (id !== undefined && secret !== undefined) return new S3Credentials(id, secret, variable('AWS_SESSION_TOKEN'))
    if (id !== undefined || secret !== undefined) {
      throw invalid('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together, and only one is set')
    }
    const namedFile = variable('AWS_SHARED_CREDENTIALS_FILE')
    const file = namedFile ?? join(variable('HOME') ?? homedir(), '.aws', 'credentials')
    const named = variable('AWS_PROFILE')
    return profileIn(file, named, namedFile !== undefined || named !== undefined)
  }
}

async function profileIn(
  file: string,
  named: string | undefined,
  required: boolean,
): Promise<S3Credentials | undefined> {
  const name = named ?? 'default'
  const text = await readText(file)
  const profile = text === undefined ? undefined : parseProfiles(text).get(name)
  if (profile === undefined) {
    if (!required) return undefined
    const problem = text === undefined ? `${file} does not exist` : `${file} has no profile ${name}`
    throw invalid(`${problem}; check AWS_PROFILE and AWS_SHARED_CREDENTIALS_FILE`)
  }
  const id = profile.get('aws_access_key_id')
  const secret = profile.get('aws_secret_access_key')
  if (!id || !secret) {
    const advice =
      'other ways to log in are not read: set the variables that `aws configure export-credentials --format env` prints'
    throw invalid(`the profile ${name} of ${file} lacks aws_access_key_id or aws_secret_access_key; ${advice}`)
  }
  return new S3Credentials(id, secret, profile.get('aws_session_token') || undefined)
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new DamselflyError('CONFIG_INVALID', `S3: ${file} cannot be read: ${message}`, { cause: error })
  }
}

function invalid(why: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `S3: ${why}`)
}
