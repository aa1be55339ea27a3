import { type HostCertificates, withCertificates, withMirrorHost } from '../formats/hosts-toml.ts'
import type { ConfigFiles, PlanRequest, WantedFile } from '../plan.ts'

/** Name of our certificate in the directories where runtimes look for `*.crt`. */
export const CA_FILE_NAME = 'damselfly.crt'

/**
 * What a directory with a `hosts.toml` shall hold: the mirror in front, and the certificate. containerd ignores certificates
 * beside a `hosts.toml` unless the file names them, so a new one names those that are there.
 */
export async function hostDirectory(
  files: ConfigFiles,
  directory: string,
  { mirror, caPem }: PlanRequest,
): Promise<WantedFile[]> {
  const path = `${directory}/hosts.toml`
  const current = (await files.text(path)) ?? ''
  const found = current === '' ? certificatesIn(await files.list(directory)) : { ca: [], client: [] }
  const ca = caPem === undefined ? found.ca : [...new Set([...found.ca, CA_FILE_NAME])]
  const text = withCertificates(withMirrorHost(current, mirror, path), { ...found, ca }, path)
  const certificate = caPem === undefined ? [] : [{ path: `${directory}/${CA_FILE_NAME}`, text: caPem }]
  // The certificate first: a hosts.toml that names a missing one fails every pull.
  return [...certificate, { path, text }]
}

/** The files that containerd and dockerd load from a directory without `hosts.toml`. */
function certificatesIn(names: readonly string[]): HostCertificates {
  const certificates = names.filter(name => name.endsWith('.cert'))
  const pairs = certificates.map(name => [name, name.replace(/\.cert$/, '.key')] as const)
  return { ca: names.filter(name => name.endsWith('.crt')), client: pairs.filter(([, key]) => names.includes(key)) }
}
