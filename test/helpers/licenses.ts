/** Licences under which a dependency may come. All let Damselfly be given on under Apache-2.0 without conditions on its source. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
])

/** Whether an SPDX expression is allowed: of `A OR B` one has to be, of `A AND B` both. Anything unclear is not. */
export function isAllowedLicense(expression: string | undefined): boolean {
  if (expression === undefined) return false
  const text = expression.replace(/^\((.*)\)$/, '$1')
  const choices = text.split(' OR ')
  return choices.some(choice => choice.split(' AND ').every(name => ALLOWED.has(name)))
}

/** The parts of package-lock.json that the licence check reads. */
export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

/** One installed package, direct or not. */
export interface LockedPackage {
  readonly version?: string
  readonly license?: string
  /** True for what only development needs. */
  readonly dev?: boolean
}

/** One installed package of a lock file, as `name version: licence`, for each whose licence is not allowed. */
export function licenseProblems(lock: LockFile, isExcepted: (name: string, entry: LockedPackage) => boolean): string[] {
  return Object.entries(lock.packages).flatMap(([path, entry]) => {
    const name = path.replace(/^.*node_modules\//, '')
    if (path === '' || isAllowedLicense(entry.license) || isExcepted(name, entry)) return []
    return [`${name} ${entry.version}: ${entry.license ?? 'no licence'}`]
  })
}
