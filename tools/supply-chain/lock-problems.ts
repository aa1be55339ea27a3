/** What the checks of the supply chain read of package-lock.json. */
export interface LockedPackages {
  readonly packages: Readonly<
    Record<string, { resolved?: string; integrity?: string; hasInstallScript?: boolean; link?: boolean }>
  >
}

const REGISTRY = 'https://registry.npmjs.org/'

/**
 * Where a lock file lets something else in than what was looked at: a package from elsewhere than the registry, without a sha512 of its
 * content, or with a script that runs when it is installed.
 * @param mayRun names of packages whose script was looked at
 */
export function lockProblems({ packages }: LockedPackages, mayRun: readonly string[]): string[] {
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (path === '') return []
    const name = path.replace(/^.*node_modules\//, '')
    const problems = [
      ...(isFromRegistry(entry) ? [] : ['is not from the registry']),
      ...(entry.integrity?.startsWith('sha512-') === true ? [] : ['has no sha512']),
      ...(entry.hasInstallScript === true && !mayRun.includes(name) ? ['runs a script when it is installed'] : []),
    ]
    return problems.map(problem => `${name} ${problem}`)
  })
}

/** Without an address it comes from the registry that npm is told to use. */
function isFromRegistry({ link, resolved = REGISTRY }: LockedPackages['packages'][string]): boolean {
  return link !== true && resolved.startsWith(REGISTRY)
}
