import { printable } from '../../../lib/terminal/format.ts'
import type { Digest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { ArtifactIndex } from './artifact-manifest.ts'

type Entry = ArtifactIndex['manifests'][number]

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
const SHOWN_MAX = 20

/** The platform of this machine as OCI writes it; containers are for Linux everywhere. */
export function ownPlatform(architecture: string = process.arch): string {
  return `linux/${ARCHITECTURES[architecture] ?? architecture}`
}

/**
 * The manifest of an index for a platform. An index of one manifest that is for no platform in particular has that one.
 * @param platform `os/architecture` or `os/architecture/variant`; without a variant any will do
 * @param name what to call the index in errors
 * @throws DamselflyError REQUEST_INVALID for a malformed platform; MANIFEST_UNKNOWN, listing what there is
 */
export function chooseByPlatform({ manifests }: ArtifactIndex, platform: string, name: string): Digest {
  const [os, architecture, variant, ...rest] = platform.split('/')
  if (!os || !architecture || variant === '' || rest.length > 0) {
    const detail = `platform "${printable(platform)}" is not of the form os/architecture or os/architecture/variant`
    throw new DamselflyError('REQUEST_INVALID', `${detail}, as linux/arm64`)
  }
  const fits = ({ platform: has }: Entry): boolean =>
    has?.os === os && has.architecture === architecture && (variant === undefined || has.variant === variant)
  const [only] = manifests
  const found = manifests.find(fits) ?? (manifests.length === 1 && only?.platform === undefined ? only : undefined)
  if (found !== undefined) return found.digest
  throw new DamselflyError('MANIFEST_UNKNOWN', `${name} has nothing for ${platform}; ${offered(manifests)}`)
}

/** What there is, without what describes other manifests, such as attestations. */
function offered(manifests: readonly Entry[]): string {
  const names = manifests
    .filter(({ platform }) => platform?.os !== 'unknown')
    .map(({ platform, digest }) => (platform === undefined ? `@${digest}` : nameOf(platform)))
  if (names.length === 0) return 'it is empty'
  const shown = [...new Set(names)].slice(0, SHOWN_MAX).join(', ')
  return printable(`it has ${shown}${names.length > SHOWN_MAX ? ' and more' : ''}`)
}

function nameOf({ os, architecture, variant }: NonNullable<Entry['platform']>): string {
  return [os, architecture, variant].filter(part => part !== undefined).join('/')
}
