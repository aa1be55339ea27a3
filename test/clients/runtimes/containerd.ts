import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest } from '../../../protocol/digest.ts'
import { run, startProcess } from '../../helpers/process.ts'
import { cleanEnvironment, type Runtime, type RuntimeInit } from './runtime.ts'

const START_TIMEOUT_MS = 30_000

/** Starts a containerd of its own and pulls with `ctr`, which does the fetching itself in containerd 1.6. */
export async function startContainerd({ node, directory, mirrorUrl, registryUrl }: RuntimeInit): Promise<Runtime> {
  const options = { namespace: node.namespace, env: cleanEnvironment(directory) }
  const socket = join(directory, 'containerd.sock')
  const configFile = join(directory, 'config.toml')
  const hostsDirectory = join(directory, 'certs.d')
  await mkdir(join(hostsDirectory, 'docker.io'), { recursive: true })
  await writeFile(join(hostsDirectory, 'docker.io', 'hosts.toml'), hostsToml(mirrorUrl, registryUrl))
  await writeFile(configFile, configToml(directory, socket))
  const daemon = await startProcess('containerd', ['--config', configFile], options)
  await daemon.waitForLine('stderr', line => line.includes('containerd successfully booted'), {
    timeoutMs: START_TIMEOUT_MS,
  })

  async function ctr(...args: string[]): Promise<string> {
    return (await run('ctr', ['--address', socket, ...args], options)).stdout
  }

  return {
    name: 'containerd',
    async pull(reference) {
      await ctr('images', 'pull', '--snapshotter', 'native', '--hosts-dir', hostsDirectory, reference)
      const report = await ctr('images', 'check', '--snapshotter', 'native', `name==${reference}`)
      return { manifestDigest: parseDigest(completeDigest(report, reference)), report }
    },
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

function hostsToml(mirrorUrl: string, registryUrl: string): string {
  return `server = "${registryUrl}"\n[host."${mirrorUrl}"]\n  capabilities = ["pull", "resolve"]\n`
}

function configToml(directory: string, socket: string): string {
  return [
    'version = 2',
    `root = "${join(directory, 'root')}"`,
    `state = "${join(directory, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `  address = "${socket}"`,
    '[ttrpc]',
    `  address = "${socket}.ttrpc"`,
    '',
  ].join('\n')
}
