import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from './source-tree.ts'

/** The programs that have a unit. */
export const UNIT_PROGRAMS = ['supernode', 'dfdaemon'] as const
export type UnitProgram = (typeof UNIT_PROGRAMS)[number]

/** Where a unit lies in the repository. */
export function unitPath(program: UnitProgram): string {
  return join(REPOSITORY, 'deploy/systemd', `${program}.service`)
}

/** The settings of the unit's sections, in order; a setting may come several times. */
export function readUnit(program: UnitProgram): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>()
  const text = readFileSync(unitPath(program), 'utf8').replaceAll('\\\n', ' ')
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z][A-Za-z]*)=(.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) settings.set(name, [...(settings.get(name) ?? []), value.trim()])
  }
  return settings
}

/** The words of what the unit runs. */
export function execStart(program: UnitProgram): string[] {
  return (readUnit(program).get('ExecStart')?.[0] ?? '').split(/\s+/)
}

/** Where the things of a unit are in a test. */
export interface UnitPlaces {
  /** Instead of `/usr/lib/node_modules/damselfly`. */
  readonly program: string
  /** Instead of `/var/lib/damselfly`, `/run/damselfly` and `/etc/damselfly`. */
  readonly state: string
  readonly runtime: string
  readonly settings: string
}

/** What a unit runs, without the name of Node, with its places moved and nothing else changed. */
export function movedExecStart(program: UnitProgram, places: UnitPlaces): string[] {
  const moves: readonly (readonly [string, string])[] = [
    ['/usr/lib/node_modules/damselfly', places.program],
    ['/var/lib/damselfly', places.state],
    ['/run/damselfly', places.runtime],
    ['/etc/damselfly', places.settings],
  ]
  const [, ...words] = execStart(program)
  return words.map(word => {
    const move = moves.find(([from]) => new RegExp(`(^|=)${from}(/|$)`).test(word))
    return move === undefined ? word : word.replace(move[0], () => move[1])
  })
}
