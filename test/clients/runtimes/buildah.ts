import { join } from 'node:path'
import { parseDigest } from '../../../protocol/digest.ts'
import { run } from '../../helpers/process.ts'
import { credentialsFlag, writeContainersConfig } from './containers-config.ts'
import type { Runtime, RuntimeInit } from './runtime.ts'

/** Prepares a buildah with storage of its own. There is no daemon: each command runs by itself. */
export async function prepareBuildah(init: RuntimeInit): Promise<Runtime> {
  const { node, directory } = init
  const { env, policyFile } = await writeContainersConfig(directory, init)
  const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver', 'vfs']
  const options = { namespace: node.namespace, env }

  async function buildah(args: readonly string[], more: { readonly timeoutMs?: number } = {}): Promise<string> {
    return (await run('buildah', [...storage, ...args], { ...options, ...more })).stdout
  }

  return {
    name: 'buildah',
    async pull(reference, pullOptions) {
      await buildah(['rmi', '--all', '--force'])
      const pull = ['pull', '--quiet', '--signature-policy', policyFile, ...credentialsFlag('--creds', init)]
      await buildah([...pull, reference], pullOptions)
      const report = await buildah(['inspect', '--type', 'image', '--format', '{{.FromImageDigest}}', reference])
      return { manifestDigest: parseDigest(report.trim()), report }
    },
    log: () => '',
    async [Symbol.asyncDispose]() {},
  }
}
