import type { Digest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { printable } from '../../terminal/format.ts'
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
  const fits = platformMatcher(platform)
  const found = manifests.find(fits) ?? soleUntyped(manifests)
  if (found !== undefined) return found.digest
  throw new DamselflyError('MANIFEST_UNKNOWN', `${name} has nothing for ${platform}; ${offered(manifests)}`)
}

/**
 * The manifests of an index for any of some platforms; `all` is every one that is for a platform or an index itself.
 * @throws DamselflyError as {@link chooseByPlatform}, when there is nothing for any of them
 */
export function chooseByPlatforms({ manifests }: ArtifactIndex, platforms: readonly string[], name: string): Digest[] {
  const matchers = platforms.map(platform => (platform === 'all' ? isForSomething : platformMatcher(platform)))
  const found = manifests.filter(entry => matchers.some(fits => fits(entry)))
  const chosen = found.length > 0 ? found : [soleUntyped(manifests) ?? []].flat()
  if (chosen.length > 0) return chosen.map(({ digest }) => digest)
  throw new DamselflyError('MANIFEST_UNKNOWN', `${name} has nothing for ${platforms.join(', ')}; ${offered(manifests)}`)
}

function platformMatcher(platform: string): (entry: Entry) => boolean {
  const [os, architecture, variant, ...rest] = platform.split('/')
  if (!os || !architecture || variant === '' || rest.length > 0) {
    const detail = `platform "${printable(platform)}" is not of the form os/architecture or os/architecture/variant`
    throw new DamselflyError('REQUEST_INVALID', `${detail}, as linux/arm64`)
  }
  return ({ platform: has }) =>
    has?.os === os && has.architecture === architecture && (variant === undefined || has.variant === variant)
}

/** What describes other manifests, such as attestations, is for the platform `unknown`. */
function isForSomething({ platform }: Entry): boolean {
  return platform?.os !== 'unknown'
}

function soleUntyped(manifests: readonly Entry[]): Entry | undefined {
  const [only] = manifests
  return manifests.length === 1 && only?.platform === undefined ? only : undefined
}

/** What there is, without what describes other manifests, such as attestations. */
function offered(manifests: readonly Entry[]): string {
  const names = manifests
    .filter(isForSomething)
    .map(({ platform, digest }) => (platform === undefined ? `@${digest}` : nameOf(platform)))
  if (names.length === 0) return 'it is empty'
  const shown = [...new Set(names)].slice(0, SHOWN_MAX).join(', ')
  return printable(`it has ${shown}${names.length > SHOWN_MAX ? ' and more' : ''}`)
}

function nameOf({ os, architecture, variant }: NonNullable<Entry['platform']>): string {
  return [os, architecture, variant].filter(part => part !== undefined).join('/')
}
