import { DamselflyError } from '../../../../protocol/errors.ts'
import { k3sMirrorNames, withK3sRegistries } from '../formats/registries-yaml.ts'
import type { ConfigFiles, Plan, PlanRequest, WantedFile } from '../plan.ts'
import { CA_FILE_NAME } from './host-directory.ts'

const DIRECTORY = '/etc/rancher/k3s'
const REGISTRIES_YAML = `${DIRECTORY}/registries.yaml`
const EVERY_REGISTRY = '*'

/** `registries.yaml`, from which k3s makes containerd's files when it starts (contracts §3.3). */
export async function planK3s(files: ConfigFiles, { mirror, registries, caPem }: PlanRequest): Promise<Plan> {
  if (caPem !== undefined && registries.length === 0) {
    throw new DamselflyError('CONFIG_INVALID', 'k3s takes a certificate for each registry: name them with --registry')
  }
  const names = registries.length > 0 ? registries : [EVERY_REGISTRY]
  const current = (await files.text(REGISTRIES_YAML)) ?? ''
  const caFile = caPem === undefined ? undefined : `${DIRECTORY}/${CA_FILE_NAME}`
  const text = withK3sRegistries(current, { mirror, registries: names, caFile }, REGISTRIES_YAML)
  const certificate = caPem === undefined || caFile === undefined ? [] : [{ path: caFile, text: caPem }]
  const wanted: WantedFile[] = [...certificate, { path: REGISTRIES_YAML, text }]
  return {
    files: wanted,
    notes: exceptions(current, names),
    commands: ['systemctl restart k3s   # on agents: k3s-agent'],
  }
}

/** A registry with an entry of its own never gets to `*`. */
function exceptions(text: string, names: readonly string[]): string[] {
  if (!names.includes(EVERY_REGISTRY)) return []
  const own = k3sMirrorNames(text, REGISTRIES_YAML).filter(name => name !== EVERY_REGISTRY)
  if (own.length === 0) return []
  const options = own.map(name => `--registry ${name}`).join(' ')
  return [`${own.join(', ')} have entries of their own in ${REGISTRIES_YAML}; add the mirror there with ${options}.`]
}
