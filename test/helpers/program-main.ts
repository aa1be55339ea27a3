import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** The file that Node runs: the program's source, or what was built from it where the suite has a build. */
export function programMain(program: 'supernode' | 'dfdaemon' | 'dfget'): string {
  const built = inject('builtPrograms')
  return built === undefined ? join(CHECKOUT, program, 'main.ts') : join(built, program, 'main.js')
}
