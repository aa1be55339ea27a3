import { afterAll, beforeAll } from 'vitest'
import { describeOrigin, type OriginContractFixture } from '../../../../helpers/origin-contract.ts'
import { createS3Fixture } from '../../../../helpers/s3-fixture.ts'
import { S3_ACCOUNT, type S3Server, startS3Server } from '../../../../helpers/s3-server.ts'

let store: S3Server
beforeAll(async () => {
  store = await startS3Server('bucket')
})
afterAll(() => store[Symbol.asyncDispose]())

describeOrigin('S3', () => createFixture(S3_ACCOUNT))
describeOrigin('S3 without keys', () => createFixture(undefined))

async function createFixture(account: typeof S3_ACCOUNT | undefined): Promise<OriginContractFixture> {
  const { s3: origin, http } = createS3Fixture(store.endpoint, { account })
  const wrong = createS3Fixture(store.endpoint, { account: { ...S3_ACCOUNT, secretAccessKey: 'another secret' } })
  const sourceOf = (key: string) => ({ url: `s3://bucket/${key}`, headers: {} })

  return {
    origin,
    missing: sourceOf('missing'),
    async put(name, content) {
      await store.put('bucket', name, content)
      return sourceOf(name)
    },
    async withForbidden(work) {
      await store.put('bucket', 'forbidden', Buffer.from('secret'))
      return work(wrong.s3, sourceOf('forbidden'))
    },
    held: async () => (await store.state()).held,
    takenBytes: async () => (await store.state()).takenBytes,
    async [Symbol.asyncDispose]() {
      await http.stop()
      await wrong.http.stop()
    },
  }
}
