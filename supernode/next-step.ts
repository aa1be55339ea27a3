import { loadConfig } from '../lib/config/load-config.ts'
import { SupernodeConfig } from './config.ts'
import type { Supernode } from './create-supernode.ts'

/** What a person at a terminal does next with a supernode that nobody can have joined yet; undefined for any other. No secret. */
export function nextStep(
  supernode: Pick<Supernode, 'awaitsFirstNode'>,
  { dataDir }: Pick<SupernodeConfig, 'dataDir'>,
): string | undefined {
  if (!supernode.awaitsFirstNode()) return undefined
  const isDefault = dataDir === loadConfig('supernode', SupernodeConfig, {}).dataDir
  const where = isDefault ? '' : ` --data-dir '${dataDir.replaceAll("'", "'\\''")}'`
  return `no node has joined yet: "supernode token create --role node${where}" prints the line to run on one\n`
}
