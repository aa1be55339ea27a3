import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest } from '../../../protocol/digest.ts'
import { run, startProcess } from '../../helpers/process.ts'
import { cleanEnvironment, type Runtime, type RuntimeInit } from './runtime.ts'

const START_TIMEOUT_MS = 60_000
/** How Docker's client names Docker Hub in its list of accounts. */
const DOCKER_HUB_ACCOUNT = 'https://index.docker.io/v1/'

/**
 * Starts a dockerd of its own: no bridge and no firewall rules, because it only pulls, and the vfs driver, because
 * overlay mounts do not work everywhere. One retry instead of five, which take 75 s: what has to be tried again is for the
 * mirror to try. Docker Hub itself, its only fallback, is out of reach in a test network unless the
 * environment names a proxy that leads to it.
 */
export async function startDockerd(init: RuntimeInit): Promise<Runtime> {
  const { node, directory, mirrorUrl, registryUrl } = init
  const socket = `unix://${join(directory, 'docker.sock')}`
  const options = { namespace: node.namespace, env: { ...cleanEnvironment(directory), ...init.environment } }
  const configFile = join(directory, 'daemon.json')
  await writeFile(
    configFile,
    JSON.stringify({
      // What is asked by https is the registry itself.
      'registry-mirrors': mirrorUrl.startsWith('http:') ? [mirrorUrl] : [],
      'insecure-registries': plainHosts([mirrorUrl, registryUrl]),
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
      'max-download-attempts': 1,
    }),
  )
  await writeAccounts(init)
  const daemon = await startProcess('dockerd', ['--config-file', configFile], options)
  await daemon.waitForLine('stderr', line => line.includes('API listen on'), { timeoutMs: START_TIMEOUT_MS })

  async function docker(args: readonly string[], more: { readonly timeoutMs?: number } = {}): Promise<string> {
    return (await run('docker', ['--host', socket, ...args], { ...options, ...more })).stdout
  }

  return {
    name: 'dockerd',
    async pull(reference, pullOptions) {
      await docker(['image', 'prune', '--all', '--force'])
      await docker(['pull', '--quiet', reference], pullOptions)
      const report = await docker(['image', 'inspect', '--format', '{{json .RepoDigests}}', reference])
      const [repoDigest = ''] = JSON.parse(report) as string[]
      return { manifestDigest: parseDigest(repoDigest.slice(repoDigest.indexOf('@') + 1)), report }
    },
    log: () => daemon.stderr.text(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}

function plainHosts(urls: readonly string[]): string[] {
  return [...new Set(urls.map(url => new URL(url)).filter(({ protocol }) => protocol === 'http:'))].map(
    ({ host }) => host,
  )
}

/** What `docker login` leaves behind. */
async function writeAccounts({ directory, registry = 'docker.io', credentials }: RuntimeInit): Promise<void> {
  if (credentials === undefined) return
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
  const name = registry === 'docker.io' ? DOCKER_HUB_ACCOUNT : registry
  await mkdir(join(directory, '.docker'))
  await writeFile(join(directory, '.docker', 'config.json'), JSON.stringify({ auths: { [name]: { auth } } }))
}
