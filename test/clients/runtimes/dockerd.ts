import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest } from '../../../protocol/digest.ts'
import { run, startProcess } from '../../helpers/process.ts'
import { cleanEnvironment, type Runtime, type RuntimeInit } from './runtime.ts'

const START_TIMEOUT_MS = 60_000

/**
 * Starts a dockerd of its own: no bridge and no firewall rules, because it only pulls, and the vfs driver, because
 * overlay mounts do not work everywhere. Docker Hub itself, its only fallback, is out of reach in a test network.
 */
export async function startDockerd({ node, directory, mirrorUrl }: RuntimeInit): Promise<Runtime> {
  const socket = `unix://${join(directory, 'docker.sock')}`
  const options = { namespace: node.namespace, env: cleanEnvironment(directory) }
  const configFile = join(directory, 'daemon.json')
  await writeFile(
    configFile,
    JSON.stringify({
      'registry-mirrors': [mirrorUrl],
      'insecure-registries': [new URL(mirrorUrl).host],
      'data-root': join(directory, 'data'),
      'exec-root': join(directory, 'exec'),
      pidfile: join(directory, 'docker.pid'),
      hosts: [socket],
      'storage-driver': 'vfs',
      iptables: false,
      ip6tables: false,
      bridge: 'none',
      'ip-forward': false,
      'userland-proxy': false,
    }),
  )
  const daemon = await startProcess('dockerd', ['--config-file', configFile], options)
  await daemon.waitForLine('stderr', line => line.includes('API listen on'), { timeoutMs: START_TIMEOUT_MS })

  async function docker(...args: string[]): Promise<string> {
    return (await run('docker', ['--host', socket, ...args], options)).stdout
  }

  return {
    name: 'dockerd',
    async pull(reference) {
      await docker('pull', '--quiet', reference)
      const report = await docker('image', 'inspect', '--format', '{{json .RepoDigests}}', reference)
      const [repoDigest = ''] = JSON.parse(report) as string[]
      return { manifestDigest: parseDigest(repoDigest.slice(repoDigest.indexOf('@') + 1)), report }
    },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}
