import { createServer } from 'node:net'
import { basename } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bounded } from '../../../../dfdaemon/node/doctor/bounded.ts'
import { endpointOf, isLoopback } from '../../../../dfdaemon/node/doctor/endpoints.ts'
import { dockerSocket } from '../../../../dfdaemon/node/doctor/probes/docker-mirrors.ts'
import { listeningInodes, portHolder } from '../../../../dfdaemon/node/doctor/probes/port-holder.ts'
import { processesCalled, processName } from '../../../../dfdaemon/node/doctor/probes/processes.ts'
import { proxyFor } from '../../../../dfdaemon/node/doctor/proxy-for.ts'

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:FDE9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:FDE9 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
`

test('only listening sockets of the port are found', () => {
  expect(listeningInodes(TABLE, 65001)).toEqual(['4711'])
  expect(listeningInodes(TABLE, 22)).toEqual(['4713'])
  expect(listeningInodes(TABLE, 23)).toEqual([])
})

test('the holder of a port is found by its process', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  expect(await portHolder(port)).toEqual({ process: { pid: process.pid, name: basename(process.execPath) } })
})

test('a process is seen with its arguments, its environment and the time of its start', async () => {
  const name = (await processName(process.pid)) ?? ''
  const found = (await processesCalled(name)).find(({ pid }) => pid === process.pid)
  expect(found?.environment?.PATH).toBe(process.env.PATH)
  const startedAt = Date.now() - process.uptime() * 1000
  expect(Math.abs((found?.startedAt ?? 0) - startedAt)).toBeLessThan(2_000)
})

test('what hangs is given up', async () => {
  expect(await bounded(() => new Promise<never>(() => {}), { limitMs: 10 })).toMatchObject({
    error: { name: 'TimeoutError' },
  })
  expect(await bounded(async () => 5)).toEqual({ value: 5 })
})

test.each<[string, Record<string, string>, string | undefined]>([
  ['http://10.0.0.7:65001', {}, undefined],
  ['http://127.0.0.1:65001', { HTTP_PROXY: 'http://p.example:3128' }, undefined],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'http://u:secret@p.example:3128' }, 'http://p.example:3128'],
  ['http://10.0.0.7:65001', { http_proxy: 'http://p.example:3128' }, 'http://p.example:3128'],
  ['http://10.0.0.7:65001', { HTTPS_PROXY: 'http://p.example:3128' }, undefined],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'p', NO_PROXY: 'localhost, 10.0.0.7' }, undefined],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'p', NO_PROXY: '10.0.0.0/8' }, undefined],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'p', NO_PROXY: '10.0.0.8/30' }, 'p'],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'p', no_proxy: '10.0.0.7:65002' }, 'p'],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'p', NO_PROXY: '10.0.0.7:65001' }, undefined],
  ['http://mirror.corp.example:65001', { HTTP_PROXY: 'p', NO_PROXY: '.corp.example' }, undefined],
  ['http://mirror.corp.example:65001', { HTTP_PROXY: 'p', NO_PROXY: 'corp.example' }, undefined],
  ['http://notcorp.example:65001', { HTTP_PROXY: 'p', NO_PROXY: 'corp.example' }, 'p'],
  ['http://10.0.0.7:65001', { HTTP_PROXY: 'p', NO_PROXY: '*' }, undefined],
])('%s with %j goes through %s', (url, environment, proxy) => {
  expect(proxyFor(url, environment)).toBe(proxy)
})

test('multiaddrs of TCP have a host and a port', () => {
  expect(endpointOf('/ip4/10.0.0.7/tcp/9100')).toEqual({ host: '10.0.0.7', port: 9100 })
  expect(endpointOf('/dns4/n.example/tcp/9100/p2p/12D3')).toEqual({ host: 'n.example', port: 9100 })
  expect(endpointOf('/ip4/10.0.0.7/udp/9100/quic-v1')).toBeUndefined()
  expect(['127.0.0.1', '127.9.9.9', '[::1]', '::1', 'localhost'].every(isLoopback)).toBe(true)
  expect(isLoopback('128.0.0.1')).toBe(false)
})

test('the socket of dockerd is the one that daemon.json names', () => {
  expect(dockerSocket(undefined)).toBe('/var/run/docker.sock')
  expect(dockerSocket('{"hosts": ["tcp://127.0.0.1:2375", "unix:///run/other.sock"]}')).toBe('/run/other.sock')
})
