import { readFile } from 'node:fs/promises'
import { untilInterrupted } from '../../bench/until-interrupted.ts'
import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { FuzzConfig } from './config.ts'
import { replay } from './engine/supervise.ts'
import type { FuzzTarget } from './engine/target.ts'
import { fuzzAll } from './fuzz-all.ts'
import { fuzzOne } from './fuzz-one.ts'
import { isRecorded, readRecorded } from './recorded.ts'
import { drawFigures } from './report.ts'
import { TARGETS, targetNamed } from './targets.ts'

const DESCRIPTION =
  'Gives whatever reads bytes from elsewhere inputs that nobody would write: mutations of real ones. It must refuse or take each at once.'

type Options = { readonly signal: AbortSignal }

/** `npm run fuzz --`. */
export const fuzzCommand = createConfigCommand('fuzz', DESCRIPTION, FuzzConfig, { plainBooleans: true })
  .argument('[targets...]', 'what is fuzzed: names that --list shows, or "all" for one after the other')
  .action(async (names: readonly string[]) => {
    const config = configOf(fuzzCommand, FuzzConfig)
    if (config.list) return list()
    const targets = names.includes('all') ? TARGETS : [...new Set(names)].map(targetNamed)
    const [target] = targets
    if (target === undefined)
      throw new DamselflyError('CONFIG_INVALID', 'name a target or "all"; --list shows the targets')
    await untilInterrupted(async options => {
      if (targets.length > 1) await several(targets, config, options)
      else if (config.replay !== '') await again(target, config.replay, options)
      else await one(target, config, options)
    })
  })

function list(): void {
  const width = Math.max(...TARGETS.map(({ name }) => name.length))
  for (const { name, about } of TARGETS) process.stdout.write(`${name.padEnd(width)}  ${about}\n`)
}

async function one(target: FuzzTarget, config: FuzzConfig, options: Options): Promise<void> {
  const figures = await fuzzOne(target, config, text => void process.stderr.write(text), options)
  process.stdout.write(config.json ? `${JSON.stringify(figures)}\n` : drawFigures(figures))
  if (figures.failures > 0) process.exitCode = 1
}

async function several(targets: readonly FuzzTarget[], config: FuzzConfig, options: Options): Promise<void> {
  if (config.replay !== '')
    throw new DamselflyError('CONFIG_INVALID', '--replay takes the name of its target, and no other')
  const out = config.json ? process.stderr : process.stdout
  const left = config.skipRecorded ? notRecorded(targets, config) : targets
  const failed = await fuzzAll(left, config, options, figures => {
    out.write(figures instanceof DamselflyError ? `${figures.message}\n` : drawFigures(figures))
    if (config.json && !(figures instanceof DamselflyError)) process.stdout.write(`${JSON.stringify(figures)}\n`)
  })
  if (failed > 0) process.exitCode = 1
}

function notRecorded(targets: readonly FuzzTarget[], { inputs, results }: FuzzConfig): readonly FuzzTarget[] {
  if (inputs === undefined || results === '')
    throw new DamselflyError('CONFIG_INVALID', '--skip-recorded wants --inputs and --results')
  const recorded = readRecorded(results)
  return targets.filter(({ name }) => !isRecorded(recorded.get(name), inputs))
}

async function again(target: FuzzTarget, file: string, options: Options): Promise<void> {
  const input = await readInput(file)
  const { failure, ms } = await replay(target, input, options)
  process.stdout.write(`${failure?.text ?? 'as it should be'} (${input.length} bytes, ${ms.toFixed(1)} ms)\n`)
  if (failure !== undefined) process.exitCode = 1
}

async function readInput(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file))
  } catch (error) {
    throw new DamselflyError('INPUT_FAILED', `--replay ${file}: ${(error as Error).message}`, { cause: error })
  }
}
