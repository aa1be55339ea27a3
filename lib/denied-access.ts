const FLAGS: Readonly<Record<string, string>> = {
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
}

const MAX_DEPTH = 8

/**
 * What to do when Node's permission model (`--permission`) stands behind an error.
 * @returns undefined when it does not
 */
export function deniedAccess(thrown: unknown): string | undefined {
  let error = thrown
  for (let depth = 0; error instanceof Error && depth < MAX_DEPTH; depth++) {
    const { code } = error as NodeJS.ErrnoException
    const { permission, resource } = error as { permission?: string; resource?: string }
    if (code === 'ERR_ACCESS_DENIED') {
      const flag = FLAGS[permission ?? '']
      // Whoever turned it into an error of ours has said more.
      if (flag === undefined && depth > 0) return undefined
      if (flag === undefined) return `--permission does not let this program do what it was told: ${error.message}`
      const what = permission === 'FileSystemRead' ? 'read' : 'write to'
      return `--permission does not let this program ${what} ${resource}; choose a place where it may, or add ${flag}=${resource}`
    }
    error = error.cause
  }
  return undefined
}
