import { describe, expect, test } from 'vitest'
import { DamselflyError } from '../../../protocol/errors.ts'
import { drawReport } from '../../../trial/progress/report.ts'
import { print } from '../../../trial/progress/text.ts'
import { summarise, summaryJson } from '../../../trial/summary.ts'
import { digestOfText, imageFixture, nodeOutcome, trialOutcome } from '../../helpers/trial-fixture.ts'

const MIB = 1024 * 1024

describe('the summary', () => {
  test('counts what a program wants to know', () => {
    expect(summaryJson(summarise(trialOutcome()))).toEqual({
      nodes: 2,
      imageBytes: 4 * MIB,
      originBytes: 4 * MIB,
      originRatio: 1,
      p2pRatio: 0.5,
      makespanMs: 4_000,
      verified: true,
    })
  })

  test('rounds to what means something', () => {
    const readings = {
      sources: [{ peerBytes: 1, supernodeBytes: 2, originBytes: 0 }],
      origin: { sentBytes: 4_195_000 },
    }
    const json = summaryJson(summarise(trialOutcome({ readings, makespanMs: 12.6 })))
    expect(json).toMatchObject({ originRatio: 1.0002, p2pRatio: 0.3333, makespanMs: 13 })
  })

  test.each([
    ['a pull failed', nodeOutcome('node 2', { error: new DamselflyError('BLOB_UNKNOWN') })],
    [
      'a blob is missing',
      nodeOutcome('node 2', { verified: new Set([digestOfText('config'), digestOfText('layer 1')]) }),
    ],
    [
      'the manifest is another',
      nodeOutcome('node 2', { image: { ...imageFixture(), manifestDigest: digestOfText('x') } }),
    ],
    ['there was no manifest', nodeOutcome('node 2', { image: undefined })],
  ])('is not verified when at one node %s', (_, node) => {
    expect(summarise(trialOutcome({ nodes: [nodeOutcome('node 1'), node] })).verified).toBe(false)
  })

  test('is not verified when all nodes agree on another manifest than the registry has', () => {
    expect(summarise(trialOutcome({ manifestDigest: digestOfText('x') })).verified).toBe(false)
  })

  test('takes the first manifest for the right one when nobody else knows it', () => {
    expect(summarise(trialOutcome({ manifestDigest: undefined })).verified).toBe(true)
  })

  test('has every blob with its copies and the nodes that hold it', () => {
    const nodes = [nodeOutcome('node 1'), nodeOutcome('node 2', { verified: new Set([digestOfText('layer 1')]) })]
    expect(summarise(trialOutcome({ nodes })).blobs).toEqual([
      { digest: digestOfText('layer 1'), sizeBytes: 2 * MIB, kind: 'layer', verifiedNodes: 2, originBytes: 2 * MIB },
      { digest: digestOfText('layer 2'), sizeBytes: MIB, kind: 'layer', verifiedNodes: 1, originBytes: MIB },
      { digest: digestOfText('config'), sizeBytes: MIB, kind: 'config', verifiedNodes: 1, originBytes: MIB },
    ])
  })

  test('of nothing but failures divides by nothing', () => {
    const nodes = [
      nodeOutcome('node 1', { image: undefined, verified: new Set(), error: new DamselflyError('DENIED') }),
    ]
    const readings = { sources: [], origin: { sentBytes: 0 } }
    const json = summaryJson(summarise(trialOutcome({ nodes, readings })))
    expect(json).toMatchObject({ imageBytes: 0, originRatio: 0, p2pRatio: 0, verified: false })
  })
})

describe('the report', () => {
  const reportOf = (...args: Parameters<typeof trialOutcome>) =>
    drawReport(summarise(trialOutcome(...args))).map(line => print(line, { colour: false }))

  test('has tables of nodes and blobs and says what it comes to', () => {
    expect(reportOf()).toEqual([
      '  node       time   MiB/s   from peers   from supernode   from origin',
      '  node 1   2.00 s     2.0      1.0 MiB          3.0 MiB           0 B',
      '  node 2   4.00 s     1.0      3.0 MiB          1.0 MiB           0 B',
      '  all      4.00 s     2.0      4.0 MiB          4.0 MiB           0 B',
      '',
      '  blob                    kind      size   copies from registry   verified at',
      `  ${digestOfText('layer 1').slice(0, 19)}    layer   2.0 MiB                   1.00        2 of 2`,
      `  ${digestOfText('layer 2').slice(0, 19)}    layer   1.0 MiB                   1.00        2 of 2`,
      `  ${digestOfText('config').slice(0, 19)}   config   1.0 MiB                   1.00        2 of 2`,
      '',
      '2 nodes pulled 4.0 MiB each in 4.00 s; the registry gave 1.00 copies.',
      '50.0 % of what the nodes downloaded came from other nodes.',
      'Bytes from the registry: 4194304, by the registry.',
      'Verified: manifest and all 3 blobs hash to their digests at every node.',
    ])
  })

  test('says which pull failed and why', () => {
    const error = new DamselflyError('CONTENT_CORRUPT', 'layer 1')
    const lines = reportOf({ nodes: [nodeOutcome('node 1'), nodeOutcome('node 2', { error })] })
    expect(lines[2]).toMatch(/node 2 +2\.00 s +failed/)
    expect(lines).toContain('1 node pulled 4.0 MiB in 4.00 s; the registry gave 1.00 copies.')
    expect(lines.slice(-2)).toEqual([
      'Not verified: 1 of 2 pulls failed.',
      '  node 2: the content does not match its digest: layer 1',
    ])
  })

  test('says so when no pull succeeded', () => {
    const error = new DamselflyError('DENIED')
    const lines = reportOf({ nodes: [nodeOutcome('node 1', { image: undefined, verified: new Set(), error })] })
    expect(lines.slice(-2)).toEqual(['No node got the image.', '  node 1: requested access to the resource is denied'])
  })

  test('does not make up copies that the origin does not tell', () => {
    const { readings } = trialOutcome()
    const lines = reportOf({ readings: { ...readings, origin: { sentBytes: 4 * MIB } } })
    expect(lines[6]).toMatch(/unknown +2 of 2$/)
  })
})
