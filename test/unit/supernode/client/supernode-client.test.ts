import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSupernodeClient } from '../../../../supernode/client/supernode-client.ts'

/** The client gives up after one second; the rest is room for a busy machine, well below the ten seconds of a connection. */
const PATIENCE_MS = 5_000

const usual = getGlobalDispatcher()
let deaf: Agent

beforeEach(() => {
  // As when all that is sent vanishes: the connection neither comes nor fails.
  deaf = new Agent({ connect: () => {} })
  setGlobalDispatcher(deaf)
})

afterEach(() => {
  setGlobalDispatcher(usual)
  // It would wait for connections that never come.
  void deaf.destroy().catch(() => {})
})

test('a supernode to which no connection comes counts as down after a second', async () => {
  const client = createSupernodeClient('http://supernode.test:8002')
  const startedAt = performance.now()
  await expect(client.cluster({ signal: new AbortController().signal })).rejects.toMatchObject({
    code: 'SUPERNODE_UNREACHABLE',
    message: expect.stringContaining('no answer within 1000 ms'),
  })
  expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS)
})

test('who does not want to wait for the connection any more need not', async () => {
  const client = createSupernodeClient('http://supernode.test:8002')
  const enough = new AbortController()
  const asked = client.cluster({ signal: enough.signal })
  enough.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
})
