import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createS3CredentialFinder, S3Credentials } from '../../../../../lib/origin/s3/s3-credentials.ts'
import type { Environment } from '../../../../../lib/origin/s3/s3-settings.ts'
import { captureLog } from '../../../../helpers/log-capture.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../../helpers/scratch-directory.ts'

let directory: ScratchDirectory
beforeEach(async () => {
  directory = await createScratchDirectory()
})
afterEach(() => directory[Symbol.asyncDispose]())

const FILE = `\uFEFF# a comment
ignored = before any profile
[default]
aws_access_key_id = ID
aws_secret_access_key=secret/+== ; not a part of it
s3 =
  max_concurrent_requests = 20
; another
[ work ]\r
AWS_ACCESS_KEY_ID =  WORK-ID\r
aws_secret_access_key = a#b;c\r
aws_session_token = token=\r
[sso]
sso_session = mine
[work]
region = eu-west-1
`

const fileAt = () => join(directory.path, 'credentials')
const find = (environment: Environment) => createS3CredentialFinder({ HOME: directory.path, ...environment })()

async function found(environment: Environment) {
  const credentials = await find(environment)
  return credentials && [credentials.accessKeyId, credentials.secretAccessKey, credentials.sessionToken]
}

describe('createS3CredentialFinder', () => {
  it('takes the variables first', async () => {
    await writeFile(fileAt(), FILE)
    const keys = { AWS_ACCESS_KEY_ID: 'I', AWS_SECRET_ACCESS_KEY: 'S', AWS_SHARED_CREDENTIALS_FILE: fileAt() }
    expect(await found(keys)).toEqual(['I', 'S', undefined])
    expect(await found({ ...keys, AWS_SESSION_TOKEN: 'T' })).toEqual(['I', 'S', 'T'])
  })

  it('reads profiles of the file, each time', async () => {
    await writeFile(fileAt(), FILE)
    const environment = { AWS_SHARED_CREDENTIALS_FILE: fileAt(), AWS_ACCESS_KEY_ID: '' }
    expect(await found(environment)).toEqual(['ID', 'secret/+==', undefined])
    expect(await found({ ...environment, AWS_PROFILE: 'work' })).toEqual(['WORK-ID', 'a#b;c', 'token='])
    const finder = createS3CredentialFinder(environment)
    await finder()
    await writeFile(fileAt(), '[default]\naws_access_key_id = NEW\naws_secret_access_key = s\n')
    expect(await finder()).toMatchObject({ accessKeyId: 'NEW' })
  })

  it('finds none where nobody named any', async () => {
    expect(await find({})).toBeUndefined()
    await writeFile(fileAt(), '[other]\n')
    expect(await find({ HOME: fileAt() })).toBeUndefined()
  })

  it.each([
    [{ AWS_ACCESS_KEY_ID: 'I' }, /go together/],
    [{ AWS_SECRET_ACCESS_KEY: 'S' }, /go together/],
    [{ AWS_PROFILE: 'work' }, /\.aws\/credentials does not exist; check AWS_PROFILE/],
    [{ AWS_PROFILE: 'other', FILE }, /has no profile other; check AWS_PROFILE/],
    [{ AWS_PROFILE: 'sso', FILE }, /lacks aws_access_key_id .*aws configure export-credentials/],
    [{ AWS_SHARED_CREDENTIALS_FILE: '/', FILE: '' }, /\/ cannot be read/],
  ])('refuses %j', async ({ FILE: text, ...environment }: Environment, detail) => {
    if (text) await writeFile(fileAt(), text)
    const file = text ? { AWS_SHARED_CREDENTIALS_FILE: fileAt() } : {}
    const refusal = { code: 'CONFIG_INVALID', detail: expect.stringMatching(detail) }
    await expect(find({ ...file, ...environment })).rejects.toMatchObject(refusal)
  })
})

describe('S3Credentials', () => {
  it('show their secrets to nobody who does not ask for them', () => {
    const credentials = new S3Credentials('the id', 'the secret', 'the token')
    const log = captureLog()
    log.logger.error({ credentials, list: [credentials] }, 'keys')
    const shown = [
      log.text(),
      inspect(credentials, { depth: 9, showHidden: true }),
      JSON.stringify(credentials),
      `${credentials}`,
    ]
    for (const text of shown) expect(text).not.toMatch(/the (secret|token)/)
    expect({ ...credentials }).toEqual({ accessKeyId: 'the id' })
  })
})
