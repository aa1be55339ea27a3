import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest } from '../../../protocol/digest.ts'
import { run, startProcess } from '../../helpers/process.ts'
import { cleanEnvironment, type Runtime, type RuntimeInit } from './runtime.ts'

const START_TIMEOUT_MS = 30_000

/** Starts a containerd of its own and pulls with `ctr`, which does the fetching itself in containerd 1.6. */
export async function startContainerd(init: RuntimeInit): Promise<Runtime> {
  const { node, directory, registry = 'docker.io', credentials } = init
  const options = { namespace: node.namespace, env: { ...cleanEnvironment(directory), ...init.environment } }
  const socket = join(directory, 'containerd.sock')
  const configFile = join(directory, 'config.toml')
  const hostsDirectory = join(directory, 'certs.d')
  await mkdir(join(hostsDirectory, registry), { recursive: true })
  await writeFile(join(hostsDirectory, registry, 'hosts.toml'), hostsToml(init))
  await writeFile(configFile, configToml(directory, socket))
  const daemon = await startProcess('containerd', ['--config', configFile], options)
  await daemon.waitForLine('stderr', line => line.includes('containerd successfully booted'), {
    timeoutMs: START_TIMEOUT_MS,
  })
  const user = credentials === undefined ? [] : ['--user', `${credentials.username}:${credentials.password}`]
  let pulls = 0

  return {
    name: 'containerd',
    async pull(reference, pullOptions) {
      // A namespace has contents of its own, complete or not.
      pulls += 1
      const ctr = ['--address', socket, '--namespace', `pull-${pulls}`, 'images']
      const pull = ['pull', '--snapshotter', 'native', '--hosts-dir', hostsDirectory, ...user]
      // Its progress on stdout would leave no room in a failure's message for what it says on stderr.
      const quiet = ['-c', 'exec "$@" >/dev/null', 'sh']
      await run('sh', [...quiet, 'ctr', ...ctr, ...pull, reference], { ...options, ...pullOptions })
      const check = ['check', '--snapshotter', 'native', `name==${reference}`]
      const { stdout: report } = await run('ctr', [...ctr, ...check], options)
      return { manifestDigest: parseDigest(completeDigest(report, reference)), report }
    },
    log: () => daemon.stderr.text(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}

/** Reads the row `REF TYPE DIGEST STATUS SIZE UNPACKED` of `ctr images check`. @throws Error unless it is complete */
function completeDigest(report: string, reference: string): string {
  const row = report.split('\n').find(line => line.startsWith(`${reference} `)) ?? ''
  const [, , digest = '', status, count = '', , , , unpacked] = row.split(/\s+/)
  const [have, want] = count.replace(/[()]/g, '').split('/')
  if (status !== 'complete' || have !== want || unpacked !== 'true') {
    throw new Error(`containerd does not hold the whole image:\n${report}`)
  }
  return digest
}

/** With the host even where it is the server itself: containerd 1.6 ignores a file without one. */
function hostsToml({ mirrorUrl, registryUrl }: RuntimeInit): string {
  return `server = "${registryUrl}"\n[host."${mirrorUrl}"]\n  capabilities = ["pull", "resolve"]\n`
}

function configToml(directory: string, socket: string): string {
  return [
    'version = 2',
    `root = "${join(directory, 'root')}"`,
    `state = "${join(directory, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[plugins."io.containerd.metadata.v1.bolt"]',
    '  content_sharing_policy = "isolated"',
    '[grpc]',
    `  address = "${socket}"`,
    '[ttrpc]',
    `  address = "${socket}.ttrpc"`,
    '',
  ].join('\n')
}
