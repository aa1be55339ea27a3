/*
 * A registry as a process of a benchmark. It generates layers of any size, and takes small blobs of random bytes.
 */
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../protocol/digest.ts'
import { createRegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { answerParent } from '../measure/answer-parent.ts'
import type { RegistryBlob } from './blob.ts'

const REPOSITORY = 'library/demo'

const registry = createRegistryMock({ listen: '127.0.0.1:0' })
await registry.start()

answerParent({
  url: () => registry.url,
  async layer(sizeBytes: number): Promise<RegistryBlob> {
    const image = await registry.generateImage({ repository: REPOSITORY, layers: 1, sizeBytes })
    const [layer] = image.layers
    if (layer === undefined) throw new Error('the image has no layer')
    return { ...layer, path: `/v2/${REPOSITORY}/blobs/${layer.digest}` }
  },
  async blob(sizeBytes: number): Promise<RegistryBlob> {
    const bytes = randomBytes(sizeBytes)
    const digest = digestOf(bytes)
    const push = `${registry.url}/v2/${REPOSITORY}/blobs/uploads/?digest=${digest}`
    const { status } = await fetch(push, { method: 'POST', body: bytes })
    if (status !== 201) throw new Error(`a push was answered with status ${status}`)
    return { digest, sizeBytes, path: `/v2/${REPOSITORY}/blobs/${digest}` }
  },
})
