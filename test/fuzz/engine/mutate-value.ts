import { nextBelow, type RandomState } from '../../../supernode/scheduler/random.ts'
import { pick } from './mutate-bytes.ts'

type Fields = Record<string, unknown>

const NAMES = ['type', 'task', 'constructor', 'length', 'toString', '__proto__', '', 'zone', 'id', 'url']
const LEAVES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  255,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  1e308,
  '',
  'x',
  '\u0000',
  '\u{1F600}',
  '/../..',
  'a'.repeat(300),
  [],
  {},
  [[]],
]

/** Changes one place of a value as JSON or CBOR has them: another leaf, a field more or less, a part of it in another place. */
export function mutateValue(random: RandomState, value: unknown): unknown {
  const places = placesOf(value, [], 0)
  const target = pick(random, places)
  const donor = pick(random, places)
  const replacement = (before: unknown): unknown => {
    switch (nextBelow(random, 9)) {
      case 0:
        return pick(random, LEAVES)
      case 1:
        return valueAt(value, donor)
      case 2:
        return withField(random, before)
      case 3:
        return withoutField(random, before)
      case 4:
        return changedNumber(random, before)
      case 5:
        return changedText(random, before)
      case 6:
        return Array.isArray(before) ? before.flatMap(item => [item, item]) : [before]
      case 7:
        return nested(before, 1 + nextBelow(random, 40))
      default:
        return pick(random, LEAVES)
    }
  }
  return replaced(value, target, replacement)
}

type Path = readonly (string | number)[]

/** Paths of the value itself and all that is in it, as far as that is worth changing. */
function placesOf(value: unknown, path: Path, depth: number): Path[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || depth > 12) return [path]
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [path, ...entries.slice(0, 32).flatMap(([key, child]) => placesOf(child, [...path, key], depth + 1))]
}

function valueAt(value: unknown, [key, ...rest]: Path): unknown {
  return key === undefined ? value : valueAt((value as Fields)[key], rest)
}

function replaced(value: unknown, [key, ...rest]: Path, replacement: (before: unknown) => unknown): unknown {
  if (key === undefined) return replacement(value)
  if (Array.isArray(value)) return value.map((item, at) => (at === key ? replaced(item, rest, replacement) : item))
  const entries = Object.entries(value as Fields)
  return Object.fromEntries(
    entries.map(([name, child]) => [name, name === key ? replaced(child, rest, replacement) : child]),
  )
}

function withField(random: RandomState, value: unknown): unknown {
  if (Array.isArray(value)) return [...value, pick(random, LEAVES)]
  if (typeof value !== 'object' || value === null) return { [pick(random, NAMES)]: value }
  // Own properties, `__proto__` too, as JSON.parse makes them.
  return Object.fromEntries([...Object.entries(value), [pick(random, NAMES), pick(random, LEAVES)]])
}

function withoutField(random: RandomState, value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(1)
  if (typeof value !== 'object' || value === null) return null
  const entries = Object.entries(value)
  const gone = nextBelow(random, entries.length + 1)
  return Object.fromEntries(entries.filter((_, at) => at !== gone))
}

function changedNumber(random: RandomState, value: unknown): unknown {
  if (typeof value !== 'number') return pick(random, LEAVES)
  return pick(random, [value + 1, value - 1, -value, value * 2, value / 2, value * 1024, Math.round(value)])
}

function changedText(random: RandomState, value: unknown): unknown {
  if (typeof value === 'object' && value instanceof Uint8Array) return value.slice(nextBelow(random, 3))
  if (typeof value !== 'string') return String(value)
  const at = nextBelow(random, value.length + 1)
  const piece = pick(random, ['', '/', ':', '..', '%2f', '%00', '\u0000', ' ', 'A', '0', value, 'é', '\ud800'])
  return `${value.slice(0, at)}${piece}${value.slice(at + nextBelow(random, 3))}`
}

function nested(value: unknown, levels: number): unknown {
  let outer = value
  for (let level = 0; level < levels; level++) outer = level % 2 === 0 ? [outer] : { x: outer }
  return outer
}
