import { nextBelow, nextRandom, type RandomState } from '../../../supernode/scheduler/random.ts'

/** What mutations draw on. */
export interface MutationSources {
  readonly dictionary: readonly Uint8Array[]
  /** Another input of the corpus. */
  other(): Uint8Array
  readonly maxBytes: number
}

type Mutation = (random: RandomState, input: Uint8Array, sources: MutationSources) => Uint8Array

const EDGE_BYTES = [0, 1, 9, 10, 13, 32, 34, 39, 44, 47, 58, 59, 61, 92, 0x7f, 0x80, 0xc0, 0xfe, 0xff]
const EDGE_NUMBERS = [
  0, 1, 2, 5, 11, 12, 16, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x3f_ffff, 0x40_0000,
]
const EDGE_WORDS = [...EDGE_NUMBERS, 0x40_0001, 0x40_0008, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]
const NUMBER_TEXTS = [
  '',
  '-1',
  '0',
  '00',
  '1',
  '65535',
  '65536',
  '99999',
  '2147483648',
  '4294967296',
  '9007199254740991',
]
const LONG_NUMBER_TEXTS = ['9007199254740992', '18446744073709551616', '1e309', '0x10', '1.5', '9'.repeat(40), 'NaN']

const MUTATIONS: readonly Mutation[] = [
  (random, input) => changed(input, bytes => flip(random, bytes)),
  (random, input) => changed(input, bytes => (bytes[nextBelow(random, bytes.length)] = pick(random, EDGE_BYTES))),
  (random, input) => changed(input, bytes => (bytes[nextBelow(random, bytes.length)] = nextBelow(random, 256))),
  (random, input) => changed(input, bytes => add(random, bytes)),
  (random, input) => changed(input, bytes => writeWord(random, bytes)),
  (random, input) => insert(random, input, randomBytes(random, 1 + nextBelow(random, 8))),
  (random, input) => remove(random, input),
  (random, input) => insert(random, input, slice(random, input)),
  (random, input) => overwrite(random, input, slice(random, input)),
  (random, input, { other }) => splice(random, input, other()),
  (random, input, { other }) => insert(random, input, slice(random, other())),
  (random, input, { dictionary }) => insert(random, input, pickOr(random, dictionary, input)),
  (random, input, { dictionary }) => overwrite(random, input, pickOr(random, dictionary, input)),
  (random, input, { dictionary }) => insert(random, input, pickOr(random, dictionary, input)),
  (random, input) => withNumber(random, input),
  (random, input, { maxBytes }) => repeat(random, input, maxBytes),
  (random, input) => input.subarray(0, nextBelow(random, input.length + 1)),
]

/** Changes an input in one way or several, the more ways the rarer. What it returns may share memory with the input. */
export function mutateBytes(random: RandomState, input: Uint8Array, sources: MutationSources): Uint8Array {
  let mutated = input
  do mutated = pick(random, MUTATIONS)(random, mutated, sources).subarray(0, sources.maxBytes)
  while (nextBelow(random, 3) > 0)
  return mutated
}

/** Any of some things, of which there is at least one. */
export function pick<T>(random: RandomState, from: readonly T[]): T {
  return from[nextBelow(random, from.length)] as T
}

function pickOr(random: RandomState, from: readonly Uint8Array[], otherwise: Uint8Array): Uint8Array {
  return from.length === 0 ? slice(random, otherwise) : pick(random, from)
}

function changed(input: Uint8Array, change: (bytes: Uint8Array) => unknown): Uint8Array {
  if (input.length === 0) return input
  const bytes = Uint8Array.from(input)
  change(bytes)
  return bytes
}

function flip(random: RandomState, bytes: Uint8Array): void {
  const at = nextBelow(random, bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << nextBelow(random, 8))
}

function add(random: RandomState, bytes: Uint8Array): void {
  const at = nextBelow(random, bytes.length)
  bytes[at] = (bytes[at] ?? 0) + nextBelow(random, 33) - 16
}

/** A number where a length may be: 16 or 32 bits, either end first. */
function writeWord(random: RandomState, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer)
  const littleEndian = nextBelow(random, 4) === 0
  const wide = nextBelow(random, 3) > 0
  const value = nextBelow(random, 4) === 0 ? nextRandom(random) : pick(random, EDGE_WORDS)
  if (wide && bytes.length >= 4) view.setUint32(nextBelow(random, bytes.length - 3), value, littleEndian)
  else if (bytes.length >= 2) view.setUint16(nextBelow(random, bytes.length - 1), value, littleEndian)
}

function randomBytes(random: RandomState, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => nextBelow(random, 256))
}

/** Some of an input, more often little of it. */
function slice(random: RandomState, input: Uint8Array): Uint8Array {
  const start = nextBelow(random, input.length + 1)
  const longest = nextBelow(random, 2) === 0 ? 16 : input.length
  return input.subarray(start, start + nextBelow(random, longest + 1))
}

function insert(random: RandomState, input: Uint8Array, bytes: Uint8Array): Uint8Array {
  const at = nextBelow(random, input.length + 1)
  return joined(input.subarray(0, at), bytes, input.subarray(at))
}

function overwrite(random: RandomState, input: Uint8Array, bytes: Uint8Array): Uint8Array {
  const at = nextBelow(random, input.length + 1)
  return joined(input.subarray(0, at), bytes, input.subarray(at + bytes.length))
}

function remove(random: RandomState, input: Uint8Array): Uint8Array {
  const at = nextBelow(random, input.length + 1)
  const { length } = slice(random, input.subarray(at))
  return joined(input.subarray(0, at), input.subarray(at + length))
}

function splice(random: RandomState, input: Uint8Array, other: Uint8Array): Uint8Array {
  const at = nextBelow(random, input.length + 1)
  const from = nextBelow(random, 2) === 0 ? Math.min(at, other.length) : nextBelow(random, other.length + 1)
  return joined(input.subarray(0, at), other.subarray(from))
}

/** The same over and over: what takes time by the square of its length shows it then. */
function repeat(random: RandomState, input: Uint8Array, maxBytes: number): Uint8Array {
  const start = nextBelow(random, input.length + 1)
  const unit = input.subarray(start, start + 1 + nextBelow(random, nextBelow(random, 2) === 0 ? 3 : 24))
  if (unit.length === 0) return input
  const room = Math.max(1, Math.floor((maxBytes - input.length) / unit.length))
  // Rarely to the full, since long inputs take long.
  const times = nextBelow(random, 40) === 0 ? room : 1 + nextBelow(random, Math.min(room, 64))
  return joined(input.subarray(0, start), Buffer.alloc(unit.length * times, unit), input.subarray(start))
}

/** Another number in the place of one that is written out in digits. */
function withNumber(random: RandomState, input: Uint8Array): Uint8Array {
  let start = nextBelow(random, input.length + 1)
  while (start < input.length && !isDigit(input[start])) start++
  let end = start
  while (end < input.length && isDigit(input[end])) end++
  const text = pick(random, nextBelow(random, 3) === 0 ? LONG_NUMBER_TEXTS : NUMBER_TEXTS)
  return joined(input.subarray(0, start), Buffer.from(text), input.subarray(end))
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
