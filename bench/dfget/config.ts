import { type Static, Type } from 'typebox'
import { ROUNDS, storeDirectory } from '../loopback/config.ts'

const MIB = 1024 * 1024

/** What can be measured: see the functions `measure…` beside this file. */
export const PARTS = ['single', 'eight', 'start', 'small'] as const
export type Part = (typeof PARTS)[number]

/** The settings of the dfget benchmark; the flags and their help come from here. */
export const DfgetBenchConfig = Type.Object(
  {
    part: Type.Union(
      ['all' as const, ...PARTS].map(part => Type.Literal(part)),
      { default: 'all', placeholder: 'part', description: `what to measure: ${PARTS.join(', ')}, or all` },
    ),
    size: sizeOf(1024 * MIB, 'single: size of the file'),
    swarmSize: sizeOf(256 * MIB, 'eight: size of the file'),
    files: count(10_000, 'small: how many files, of 1 to 9 KiB', 100_000),
    starts: count(20, 'start: how many starts', 1000),
    daemonSocket: Type.String({
      default: '',
      placeholder: 'path',
      description: 'start: measure starts with this socket of a dfdaemon too, for a dfget that can use it',
    }),
    directory: storeDirectory('directory for what is downloaded and stored'),
    rounds: ROUNDS,
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type DfgetBenchConfig = Static<typeof DfgetBenchConfig>

function sizeOf(defaultBytes: number, what: string) {
  const description = `${what}, as 256MiB; KiB, MiB and GiB are understood`
  return Type.Integer({ default: defaultBytes, minimum: MIB, placeholder: 'bytes', description })
}

function count(defaultCount: number, description: string, maximum: number) {
  return Type.Integer({ default: defaultCount, minimum: 1, maximum, placeholder: 'n', description })
}
