import { expect, onTestFinished, test } from 'vitest'
import { createDaemonClient } from '../../../dfdaemon/client/daemon-client.ts'
import { startHttpServer, type TestHandler } from '../../helpers/http-server.ts'
import { digestOfText } from '../../helpers/trial-fixture.ts'

const task = {
  id: digestOfText('task'),
  state: 'downloading',
  sizeBytes: null,
  storedBytes: 5,
  account: { diskBytes: 0, peerBytes: 3, supernodeBytes: 2, originBytes: 0, originReasons: [] },
}

async function clientOf(handler: TestHandler) {
  const server = await startHttpServer(handler)
  onTestFinished(() => server.close())
  return { server, client: createDaemonClient(`${server.url}/`) }
}

const options = () => ({ signal: new AbortController().signal })

test('each call asks its own route', async () => {
  const { server, client } = await clientOf((request, response) => {
    response.end(request.url === '/api/v1/tasks' ? JSON.stringify([task]) : 'text')
  })
  await client.ping(options())
  expect(await client.tasks(options())).toEqual([task])
  expect(await client.metrics(options())).toBe('text')
  expect(server.requests.map(({ path }) => path)).toEqual(['/_ping', '/api/v1/tasks', '/metrics'])
})

test.each([
  ['is not JSON', 'text'],
  ['has a field of another type', JSON.stringify([{ ...task, storedBytes: '5' }])],
  ['has a state that there is not', JSON.stringify([{ ...task, state: 'lost' }])],
  ['lacks the account', JSON.stringify([{ ...task, account: undefined }])],
])('an answer that %s is refused', async (_, answer) => {
  const { client } = await clientOf((_request, response) => response.end(answer))
  await expect(client.tasks(options())).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
})

test('a failed request and a dead dfdaemon are told alike', async () => {
  const { server, client } = await clientOf((_request, response) => response.writeHead(500).end())
  await expect(client.ping(options())).rejects.toThrow('the dfdaemon could not be reached: it answered with status 500')
  await server.close()
  await expect(client.ping(options())).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
})

test('a call that is called off throws the reason', async () => {
  const { client } = await clientOf(() => new Promise(() => {}))
  const reason = new Error('enough')
  await expect(client.ping({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})
