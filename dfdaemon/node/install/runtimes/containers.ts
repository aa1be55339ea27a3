import { plainRegistry, registryBlocks, withBlock, withFirstMirror } from '../formats/registries-conf.ts'
import type { ConfigFiles, Plan, Planner, PlanRequest, WantedFile } from '../plan.ts'
import { CA_FILE_NAME } from './host-directory.ts'

const REGISTRIES_CONF = '/etc/containers/registries.conf'
const DROP_INS = '/etc/containers/registries.conf.d'
const OWN_NAME = 'damselfly.conf'
const OWN_FILE = `${DROP_INS}/${OWN_NAME}`
const CERTIFICATES = '/etc/containers/certs.d'

/** podman, buildah and skopeo read their files at the next command. */
export const planPodman: Planner = planContainers

/** CRI-O reads the same files as podman, when it is told to. */
export async function planCrio(files: ConfigFiles, request: PlanRequest): Promise<Plan> {
  return { ...(await planContainers(files, request)), commands: ['systemctl reload crio'] }
}

/** One drop-in with a block for each registry: containers-registries.conf has no catch-all (contracts §3.2). */
async function planContainers(files: ConfigFiles, request: PlanRequest): Promise<Plan> {
  const { mirror, caPem } = request
  const defaults = ['docker.io', ...request.knownRegistries]
  const registries = [...new Set(request.registries.length > 0 ? request.registries : defaults)]
  const { host, protocol } = new URL(mirror)
  const others = await otherFiles(files)
  const notes: string[] = []
  let text = (await files.text(OWN_FILE)) ?? ''
  for (const registry of registries) {
    const own = registryBlocks(text, OWN_FILE).findLast(({ prefix }) => prefix === registry)
    const elsewhere = others.flatMap(file =>
      file.blocks.filter(({ prefix }) => prefix === registry).map(block => ({ file, block })),
    )
    // The last file that names a registry replaces what others say of it, so ours repeats what counted so far.
    const before = own?.text ?? elsewhere.findLast(({ file }) => file.isBefore)?.block.text ?? plainRegistry(registry)
    text = withBlock(text, own, withFirstMirror(before, `${host}/${inPath(registry)}`, protocol === 'http:', OWN_FILE))
    notes.push(...conflicts(registry, others))
  }
  const certificates = registries.map(registry => `${CERTIFICATES}/${registry}/${CA_FILE_NAME}`)
  const trusted = caPem === undefined ? [] : certificates.map((path): WantedFile => ({ path, text: caPem }))
  return { files: [...trusted, { path: OWN_FILE, text }], notes, commands: [] }
}

/**
 * A registry as the path of a location has it: its port as in containerd's directories, because references with a second colon
 * are none, and every pull from the registry would fail.
 */
function inPath(registry: string): string {
  return registry.replace(/:(?=\d{1,5}$)/, '_')
}

interface OtherFile {
  readonly path: string
  /** Whether our file is read after it, and so counts more. */
  readonly isBefore: boolean
  readonly blocks: ReturnType<typeof registryBlocks>
}

/** The files beside ours, in the order in which they are read. */
async function otherFiles(files: ConfigFiles): Promise<OtherFile[]> {
  const names = (await files.list(DROP_INS)).filter(name => name.endsWith('.conf') && name !== OWN_NAME)
  const places = [
    { path: REGISTRIES_CONF, isBefore: true },
    ...names.map(name => ({ path: `${DROP_INS}/${name}`, isBefore: name < OWN_NAME })),
  ]
  const found: OtherFile[] = []
  for (const place of places) {
    const text = await files.text(place.path)
    if (text !== undefined) found.push({ ...place, blocks: registryBlocks(text, place.path) })
  }
  return found
}

function conflicts(registry: string, others: readonly OtherFile[]): string[] {
  return others.flatMap(({ path, isBefore, blocks }) =>
    blocks.flatMap(({ prefix }) => {
      if (prefix === registry && !isBefore) return [`${path} has ${registry} too and is read later, so that it counts.`]
      return prefix.startsWith(`${registry}/`) ? [`${path} has rules for ${prefix}, which do not use the mirror.`] : []
    }),
  )
}
