import fastify from 'fastify'
import { expect, test } from 'vitest'
import { createLoopGuard } from '../../../dfdaemon/proxy/loop-guard.ts'
import { addRegistryRoutes, type RegistryRouteComponents } from '../../../dfdaemon/proxy/registry-routes.ts'
import { silentLogger } from '../../../lib/logger.ts'

/** Routes of a mirror whose registries have one manifest. @returns what answers, and how often downloads were told to make way */
async function startRoutes() {
  let madeWay = 0
  const app = fastify()
  const components = {
    peer: { makeWay: () => void madeWay++ },
    manifests: {
      answer: async () => ({
        kind: 'manifest',
        manifest: { digest: `sha256:${'0'.repeat(64)}`, mediaType: 'application/json', bytes: Buffer.from('{}') },
      }),
    },
    credentials: { forRegistry: async () => undefined },
    rules: {
      defaultUpstream: 'registry.example',
      upstreams: { 'registry.example': {}, 'local.example': { p2p: false } },
      registries: { allow: [], deny: [] },
    },
    loopGuard: createLoopGuard(),
    account: { blobBytes() {}, request() {}, failed() {} },
    logger: silentLogger(),
  }
  addRegistryRoutes(app, components as unknown as RegistryRouteComponents)
  await app.ready()
  return { app, madeWay: () => madeWay }
}

test.for([
  ['GET', '/v2/app/manifests/v1', 1],
  ['HEAD', '/v2/app/manifests/v1', 0],
  ['GET', '/v2/app/manifests/v1?ns=local.example', 0],
] as const)('%s of %s makes preheats of its node give way so many times: %i', async ([method, url, times]) => {
  const { app, madeWay } = await startRoutes()
  const { statusCode } = await app.inject({ method, url })
  expect([statusCode, madeWay()]).toEqual([200, times])
  await app.close()
})
