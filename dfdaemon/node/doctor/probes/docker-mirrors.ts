import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Client } from 'undici'
import { bounded } from '../bounded.ts'
import type { RuntimeFacts } from '../checks/runtime.ts'
import { connectionFailure } from '../connection-failure.ts'

const DEFAULT_SOCKET = '/var/run/docker.sock'

const info = Compile(
  Type.Object({ RegistryConfig: Type.Object({ Mirrors: Type.Union([Type.Array(Type.String()), Type.Null()]) }) }),
)

/** Asks a running dockerd which mirrors it uses (Docker Engine API, `GET /info`). */
export async function probeDockerMirrors(socketPath: string): Promise<NonNullable<RuntimeFacts['dockerMirrors']>> {
  const client = new Client('http://docker', { socketPath })
  const asked = await bounded(async signal => {
    const { body } = await client.request({ method: 'GET', path: '/info', signal })
    return await body.json()
  })
  await client.destroy()
  if ('error' in asked) {
    const { code } = asked.error as NodeJS.ErrnoException
    if (code === 'EACCES') return { reason: `this user may not use ${socketPath}` }
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return { reason: 'dockerd does not run' }
    return { reason: `${socketPath}: ${connectionFailure(asked.error).reason}` }
  }
  if (!info.Check(asked.value)) return { reason: `${socketPath} answers otherwise than dockerd` }
  return asked.value.RegistryConfig.Mirrors ?? []
}

/** Where dockerd listens, by its `daemon.json`. */
export function dockerSocket(daemonJson: string | undefined): string {
  const sockets = [...(daemonJson ?? '').matchAll(/"unix:\/\/([^"]+)"/g)]
  return sockets[0]?.[1] ?? DEFAULT_SOCKET
}
