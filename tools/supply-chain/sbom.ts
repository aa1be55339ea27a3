import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MAX_BYTES = 64 * 1024 * 1024

/** The parts of a CycloneDX document that are changed here; the rest is as npm wrote it. */
interface CycloneDx {
  serialNumber: string
  readonly metadata: { timestamp?: string; component: { name: string } }
  components: { readonly 'bom-ref': string }[]
  dependencies: { readonly ref: string; dependsOn: string[] }[]
}

/** What of package.json and package-lock.json matters here. */
interface Manifest {
  devDependencies?: unknown
}
interface Lock {
  packages: Record<string, Manifest & { readonly dev?: boolean }>
}

/**
 * What the published package is made of, as npm tells it in CycloneDX 1.5: what is installed with it and nothing of development, from
 * the lock file. It says the same for the same lock file: without a time, in one order, with a serial number made of the content.
 * @param root of the repository
 * @throws Error when npm fails
 */
export function softwareBill(root: string): string {
  const bill = JSON.parse(npmSbom(root)) as CycloneDx
  delete bill.metadata.timestamp
  // npm gives the name of the folder.
  bill.metadata.component.name = 'damselfly'
  bill.components = bill.components.toSorted((a, b) => compare(a['bom-ref'], b['bom-ref']))
  bill.dependencies = bill.dependencies
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.toSorted(compare) }))
    .toSorted((a, b) => compare(a.ref, b.ref))
  bill.serialNumber = ''
  bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bill))}`
  return `${JSON.stringify(bill, null, 2)}\n`
}

/** `npm sbom --omit=dev` (npm 11) also leaves out what development needs besides us, so it is shown a lock file without development. */
function npmSbom(root: string): string {
  const read = <T>(name: string) => JSON.parse(readFileSync(join(root, name), 'utf8')) as T
  const manifest = read<Manifest>('package.json')
  const lock = read<Lock>('package-lock.json')
  lock.packages = Object.fromEntries(Object.entries(lock.packages).filter(([, { dev }]) => dev !== true))
  for (const each of [manifest, lock.packages[''] ?? {}]) delete each.devDependencies
  const folder = mkdtempSync(join(tmpdir(), 'damselfly-sbom-'))
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
    const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only']
    return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', maxBuffer: MAX_BYTES })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A UUID of version 8, RFC 9562 §5.8. */
function uuidOf(text: string): string {
  const hex = hash('sha256', text, 'hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
