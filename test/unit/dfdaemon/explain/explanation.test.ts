import { expect, test } from 'vitest'
import { explain, type Subject } from '../../../../dfdaemon/explain/explain.ts'
import { explanationLine, explanationText } from '../../../../dfdaemon/explain/explanation-text.ts'
import { emptyAccount } from '../../../../dfget/peer/task/account.ts'
import type { Digest } from '../../../../protocol/digest.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import type { Pull } from '../../../../protocol/messages/daemon-api.ts'
import { taskIdOfDigest } from '../../../../protocol/task.ts'
import { digestOfText } from '../../../helpers/trial-fixture.ts'

const MIB = 1 << 20
const LAYER = digestOfText('layer')
const CONFIG = digestOfText('config')
const OTHER = digestOfText('other')
const IMAGE: Subject = {
  kind: 'image',
  image: { registry: 'registry.example', repository: 'library/test', reference: 'v1' },
}
const MANIFEST = {
  config: { digest: CONFIG, size: 512 },
  layers: [
    { digest: LAYER, size: 40 * MIB },
    { digest: LAYER, size: 40 * MIB },
  ],
}

let lastId = 0

function pullOf(digest: Digest, fields: Partial<Pull> = {}, account: Partial<Pull['account']> = {}): Pull {
  return {
    id: ++lastId,
    startedAt: 1_000,
    durationMs: 1_500,
    state: 'complete',
    url: `https://registry.example/v2/library/test/blobs/${digest}`,
    registry: 'registry.example',
    repository: 'library/test',
    task: taskIdOfDigest(digest),
    sizeBytes: 40 * MIB,
    errorCode: null,
    client: 'containerd/1.6.20',
    account: { ...emptyAccount(), ...account },
    ...fields,
  }
}

function daemonWith(pulls: Pull[], manifests: Record<string, object> = { v1: MANIFEST }) {
  const asked: object[] = []
  return {
    asked,
    async pulls(of: object) {
      asked.push(of)
      return pulls
    },
    async manifest({ reference }: { reference: string }) {
      const document = manifests[reference]
      if (document === undefined) throw new DamselflyError('MANIFEST_UNKNOWN', 'status 401')
      return Buffer.from(JSON.stringify(document))
    },
  }
}

const never = { signal: new AbortController().signal }

test('an image is told blob by blob, with all that its requests got', async () => {
  const daemon = daemonWith([
    pullOf(OTHER, {}, { peerBytes: 7 }),
    pullOf(LAYER, { startedAt: 2_000, durationMs: 3_000, state: 'cut-short' }, { diskBytes: MIB }),
    pullOf(
      LAYER,
      {},
      {
        peerBytes: 30 * MIB,
        originBytes: 10 * MIB,
        originReasons: [{ why: 'not-registered', code: 'SUPERNODE_UNREACHABLE' }],
      },
    ),
  ])
  const explanation = await explain(daemon, IMAGE, never)
  expect(daemon.asked).toEqual([{ registry: 'registry.example', repository: 'library/test' }])
  expect(explanation.blobs.map(({ digest, kind, sizeBytes, spanMs }) => ({ digest, kind, sizeBytes, spanMs }))).toEqual(
    [
      { digest: LAYER, kind: 'layer', sizeBytes: 40 * MIB, spanMs: 4_000 },
      { digest: CONFIG, kind: 'config', sizeBytes: 512, spanMs: undefined },
    ],
  )
  const [layer] = explanation.blobs
  expect(layer?.requests).toEqual({ all: 2, running: 0, complete: 1, 'cut-short': 1, failed: 0 })
  expect(layer?.account).toMatchObject({ diskBytes: MIB, peerBytes: 30 * MIB, originBytes: 10 * MIB })
  expect(explanationText(explanation, 'registry.example/library/test:v1')).toBe(
    [
      'registry.example/library/test:v1',
      '',
      '  blob                    kind       size   requests     took   from disk   from peers   from supernode   from origin',
      `  ${LAYER.slice(0, 19)}    layer   40.0 MiB          2   4.00 s     1.0 MiB     30.0 MiB              0 B      10.0 MiB`,
      `  ${CONFIG.slice(0, 19)}   config      512 B       none`,
      '  all                                                             1.0 MiB     30.0 MiB              0 B      10.0 MiB',
      '',
      '76 % came from this node or the swarm, 24 % from the origin.',
      `  ${LAYER.slice(0, 19)} was read from the origin: the supernode did not take the download up: the supernode could not be reached (SUPERNODE_UNREACHABLE).`,
      `  ${LAYER.slice(0, 19)}: clients hung up early once.`,
      '',
    ].join('\n'),
  )
})

test('of an index, the manifest for this machine is told', async () => {
  const child = digestOfText('child')
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
  const daemon = daemonWith([pullOf(LAYER)], { v1: { manifests: [{ digest: child, platform }] }, [child]: MANIFEST })
  const { blobs } = await explain(daemon, IMAGE, never)
  expect(blobs.map(({ digest }) => digest)).toEqual([LAYER, CONFIG])
})

test('an image whose manifest is not to be had is told by what was pulled from its repository', async () => {
  const failed = pullOf(OTHER, { task: null, state: 'failed', errorCode: 'UNAUTHORIZED', sizeBytes: null })
  const explanation = await explain(daemonWith([pullOf(LAYER), failed], {}), IMAGE, never)
  expect(explanation.blobs.map(({ digest }) => digest)).toEqual([OTHER, LAYER])
  const text = explanationText(explanation, 'x')
  expect(text).toContain('Its manifest is not to be had: manifest unknown to registry: status 401.')
  expect(text).toContain(`${OTHER.slice(0, 19)}: 1 request failed: `)
  expect(text).toContain('(UNAUTHORIZED).')
})

test('a blob that nobody asked for is told as such', async () => {
  const subject: Subject = { kind: 'blob', digest: OTHER }
  const explanation = await explain(daemonWith([pullOf(LAYER)]), subject, never)
  expect(explanationText(explanation, OTHER)).toBe(
    `${OTHER}\nNothing of it was asked for since this dfdaemon started.\n`,
  )
})

test('for programs, one line has the blobs and the sum', async () => {
  const pulls = [pullOf(LAYER, {}, { supernodeBytes: 5, originReasons: [] })]
  const explanation = await explain(daemonWith(pulls), IMAGE, never)
  const line = JSON.parse(explanationLine(explanation, { image: 'registry.example/library/test:v1' }))
  expect(line).toMatchObject({
    image: 'registry.example/library/test:v1',
    account: { supernodeBytes: 5 },
    blobs: [{ digest: LAYER, account: { supernodeBytes: 5 } }, { digest: CONFIG }],
    manifestProblem: null,
  })
})
