/*
 * A registry that wants an account, as a process of a benchmark.
 */
import { createRegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { answerParent } from '../measure/answer-parent.ts'

const REPOSITORY = 'library/private'

const registry = createRegistryMock({ listen: '127.0.0.1:0', auth: { mode: 'basic' } })
await registry.start()

answerParent({
  async blob() {
    const { layers } = await registry.generateImage({ repository: REPOSITORY, layers: 1, sizeBytes: 128 * 1024 })
    const [layer] = layers
    if (layer === undefined) throw new Error('the image has no layer')
    return { url: `${registry.url}/v2/${REPOSITORY}/blobs/${layer.digest}`, digest: layer.digest }
  },
})
