/*
 * The registry of a run: node registry-main.ts HUB LISTEN. It gets the images, then listens when it is told to. When it is told to
 * die it writes down what it has sent, and kills itself in the same breath, so that not a byte goes uncounted.
 */
import { writeFileSync } from 'node:fs'
import { createRegistryMock } from '../../../registry-mock/create-registry-mock.ts'
import type { PlannedImage } from '../plan/draw-load.ts'
import { reportAt } from './lines.ts'
import { IMAGE_TAG, type RegistryOrder, type RegistrySays } from './registry-words.ts'

const [, , hubPath = '', listen = ''] = process.argv
const registry = createRegistryMock({ listen })
let working = Promise.resolve()
const post = reportAt(hubPath, 'registry', message => {
  const order = message as RegistryOrder
  if (order.type === 'die') die(order.file)
  working = working.then(() => obey(order))
})
const say = (message: RegistrySays) => post.say(message)

async function obey(order: RegistryOrder): Promise<void> {
  if (order.type === 'images') for (const { index, image } of order.images) await addImage(index, image)
  if (order.type === 'listen') {
    await registry.start()
    say({ type: 'listening' })
  }
  if (order.type === 'report') say({ type: 'requests', requests: registry.requests })
}

async function addImage(index: number, { repository, layers, sizeBytes, seed }: PlannedImage): Promise<void> {
  const {
    digest,
    layers: made,
    config,
  } = await registry.generateImage({
    ...{ repository, layers, sizeBytes, seed },
    tag: IMAGE_TAG,
  })
  say({ type: 'image', index, image: { repository, manifestDigest: digest, blobs: [config, ...made] } })
}

function die(file: string): void {
  writeFileSync(file, JSON.stringify(registry.requests))
  process.kill(process.pid, 'SIGKILL')
}
