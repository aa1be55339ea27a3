import { DamselflyError } from '../../../../protocol/errors.ts'
import { withFirstInList } from '../formats/daemon-json.ts'
import type { ConfigFiles, Plan, PlanRequest, WantedFile } from '../plan.ts'
import { CA_FILE_NAME, hostDirectory } from './host-directory.ts'

const DAEMON_JSON = '/etc/docker/daemon.json'
const CERTIFICATES = '/etc/docker/certs.d'
const DOCKER_HUB = 'docker.io'

/** Where distributions keep additional trusted certificates, and the command that takes them in. */
const TRUST_STORES = [
  { directory: '/usr/local/share/ca-certificates', command: 'update-ca-certificates' },
  { directory: '/etc/pki/ca-trust/source/anchors', command: 'update-ca-trust' },
] as const

/**
 * Docker Hub by `registry-mirrors`; other registries by `certs.d/HOST/hosts.toml`, which dockerd reads from 28 on with the
 * containerd image store and ignores before (contracts §2).
 */
export async function planDocker(files: ConfigFiles, request: PlanRequest): Promise<Plan> {
  const { mirror, caPem } = request
  const registries = request.registries.length > 0 ? request.registries : [DOCKER_HUB]
  const others = registries.filter(registry => registry !== DOCKER_HUB)
  const wanted: WantedFile[] = []
  const notes: string[] = []
  const commands: string[] = []

  for (const registry of others) wanted.push(...(await hostDirectory(files, `${CERTIFICATES}/${registry}`, request)))
  if (others.length > 0) {
    notes.push(
      `dockerd uses the mirror for ${others.join(', ')} from Docker 28 on with the containerd image store; older ones go to the registry.`,
    )
  }
  if (registries.includes(DOCKER_HUB)) {
    const current = (await files.text(DAEMON_JSON)) ?? ''
    wanted.push({ path: DAEMON_JSON, text: withFirstInList(current, 'registry-mirrors', mirror, DAEMON_JSON) })
    commands.push('systemctl reload docker')
    if (caPem !== undefined) {
      const store = await trustStore(files)
      wanted.push({ path: `${store.directory}/${CA_FILE_NAME}`, text: caPem })
      commands.splice(0, 1, store.command, 'systemctl restart docker')
    }
  }
  if (caPem !== undefined) {
    notes.push(
      `The certificate counts once dockerd runs with HTTPS_PROXY=${mirror}, which this does not set: see "systemctl edit docker".`,
    )
  }
  return { files: wanted, notes, commands }
}

/** For Docker Hub dockerd asks the system's store only. */
async function trustStore(files: ConfigFiles): Promise<(typeof TRUST_STORES)[number]> {
  for (const store of TRUST_STORES) {
    const parent = store.directory.slice(0, store.directory.lastIndexOf('/'))
    if ((await files.list(parent)).includes(store.directory.slice(parent.length + 1))) return store
  }
  const places = TRUST_STORES.map(({ directory }) => directory).join(' nor ')
  throw new DamselflyError(
    'CONFIG_INVALID',
    `there is neither ${places}: add the certificate to the system's trusted ones and install without --ca`,
  )
}
