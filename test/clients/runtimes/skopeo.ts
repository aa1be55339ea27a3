import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../../protocol/digest.ts'
import { run } from '../../helpers/process.ts'
import { credentialsFlag, writeContainersConfig } from './containers-config.ts'
import type { Runtime, RuntimeInit } from './runtime.ts'

/** Prepares a skopeo that copies images into a directory. */
export async function prepareSkopeo(init: RuntimeInit): Promise<Runtime> {
  const { node, directory } = init
  const { env, policyFile, registriesFile } = await writeContainersConfig(directory, init)
  const target = join(directory, 'image')
  // skopeo 1.9 does not read CONTAINERS_REGISTRIES_CONF.
  const config = ['--registries-conf', registriesFile, '--policy', policyFile]

  return {
    name: 'skopeo',
    async pull(reference, pullOptions) {
      await rm(target, { recursive: true, force: true })
      const copy = ['copy', '--quiet', ...credentialsFlag('--src-creds', init)]
      const args = [...config, ...copy, `docker://${reference}`, `dir:${target}`]
      await run('skopeo', args, { namespace: node.namespace, env, ...pullOptions })
      const report = await readFile(join(target, 'manifest.json'), 'utf8')
      return { manifestDigest: digestOf(Buffer.from(report)), report }
    },
    log: () => '',
    async [Symbol.asyncDispose]() {},
  }
}
