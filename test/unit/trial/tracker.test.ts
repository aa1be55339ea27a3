import { expect, test } from 'vitest'
import { createTracker } from '../../../trial/progress/tracker.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { imageFixture } from '../../helpers/trial-fixture.ts'

test('a node counts from the start of the trial until its pull ends', () => {
  const clock = createManualClock()
  clock.advance(5_000)
  const tracker = createTracker(clock, ['node 1', 'node 2'])
  const node = tracker.node(0)
  const image = imageFixture()
  node.planned(image)
  node.received(image.imageBytes / 2)
  clock.advance(1_000)
  node.received(image.imageBytes / 2)
  node.ended('verified')
  tracker.originSent(7)
  clock.advance(3_000)

  const { nodes, origin, elapsedMs } = tracker.snapshot()
  expect(elapsedMs).toBe(4_000)
  expect(origin.sentBytes).toBe(7)
  expect(nodes[0]).toMatchObject({
    name: 'node 1',
    state: 'verified',
    receivedBytes: image.imageBytes,
    imageBytes: image.imageBytes,
    bytesPerSecond: image.imageBytes,
    elapsedMs: 1_000,
  })
  expect(nodes[1]).toMatchObject({ name: 'node 2', state: 'pulling', imageBytes: 0, elapsedMs: 4_000 })
})
