import { join } from 'node:path'
import { parseDigest } from '../../../protocol/digest.ts'
import { run } from '../../helpers/process.ts'
import { credentialsFlag, writeContainersConfig } from './containers-config.ts'
import type { Runtime, RuntimeInit } from './runtime.ts'

/** Prepares a podman with storage of its own. There is no daemon: each command runs by itself. */
export async function preparePodman(init: RuntimeInit): Promise<Runtime> {
  const { node, directory } = init
  const { env, policyFile } = await writeContainersConfig(directory, init)
  const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver', 'vfs']
  const host = ['--tmpdir', join(directory, 'tmp'), '--cgroup-manager', 'cgroupfs', '--events-backend', 'none']
  const options = { namespace: node.namespace, env }

  async function podman(args: readonly string[], more: { readonly timeoutMs?: number } = {}): Promise<string> {
    return (await run('podman', [...storage, ...host, ...args], { ...options, ...more })).stdout
  }

  return {
    name: 'podman',
    async pull(reference, pullOptions) {
      await podman(['rmi', '--all', '--force'])
      const pull = ['pull', '--quiet', '--signature-policy', policyFile, ...credentialsFlag('--creds', init)]
      await podman([...pull, reference], pullOptions)
      const report = await podman(['image', 'inspect', '--format', '{{.Digest}}', reference])
      return { manifestDigest: parseDigest(report.trim()), report }
    },
    log: () => '',
    async [Symbol.asyncDispose]() {},
  }
}
