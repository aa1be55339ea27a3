import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DfdaemonConfig } from '../../dfdaemon/config.ts'
import { DfgetConfig } from '../../dfget/config.ts'
import { configLeaves } from '../../lib/config/leaves.ts'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { SupernodeConfig } from '../../supernode/config.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { ownersApi } from '../helpers/join.ts'

const SECURE = { trial: 'false' }

let cluster: TestCluster
let programs: Record<'supernode' | 'dfdaemon', TestProgram[]>

beforeAll(async () => {
  cluster = await startCluster()
  programs = {
    supernode: [await cluster.supernode(SECURE), await cluster.supernode(SECURE)],
    dfdaemon: await cluster.dfdaemons(2, SECURE),
  }
})

afterAll(() => cluster[Symbol.asyncDispose]())

test('every program makes keys of its own', async () => {
  const files = [
    ...programs.supernode.flatMap(({ dataDir }) => [join(dataDir, 'cluster.key'), join(dataDir, 'peer.key')]),
    ...programs.dfdaemon.map(({ dataDir }) => join(dataDir, 'peer.key')),
  ]
  const keys = await Promise.all(files.map(file => readFile(file, 'hex')))
  expect(new Set(keys).size).toBe(6)
})

test.each(['supernode', 'dfdaemon'] as const)('a %s begins without tokens', async name => {
  for (const { dataDir } of programs[name]) {
    const answer = await requestApi(ownersApi(name, dataDir), '/api/v1/tokens')
    expect(await answer.body.json()).toEqual([])
  }
})

test.each([
  ['supernode', SupernodeConfig],
  ['dfdaemon', DfdaemonConfig],
  ['dfget', DfgetConfig],
])('no secret of %s has a default', (_, schema) => {
  const secrets = configLeaves(schema).filter(({ path }) => /password|secret|token|key|account/i.test(path.join('.')))
  expect(secrets.filter(({ schema: { default: value } }) => value !== undefined && value !== '')).toEqual([])
})
