import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { watchMachine } from '../../bench/conditions.ts'
import { untilInterrupted } from '../../bench/until-interrupted.ts'
import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { buildInto } from '../helpers/built-programs.ts'
import { missingDiskRequirements, missingNetworkRequirements, NETWORK_REQUIREMENTS } from '../helpers/requirements.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { fakeTimeLibrary } from './cluster/fake-time.ts'
import { ChaosConfig } from './config.ts'
import { boundsFor, WIDE_BOUNDS } from './invariants/bounds.ts'
import { type ChaosPlan, planChaos } from './plan/plan.ts'
import { drawChaos } from './report/draw.ts'
import { type BrokenInvariant, chaosJson, summarize } from './report/summary.ts'
import { linesAround } from './report/timeline.ts'
import { type ChaosRecord, runChaos } from './run-chaos.ts'

const DESCRIPTION =
  'Pulls images through a real cluster on limited links while a seeded plan breaks things, and checks that none of it is noticed.'

/** Of the first broken invariants the story is told. */
const MAX_STORIES = 5

/** `npm run chaos`. */
export const chaosCommand = createConfigCommand('chaos', DESCRIPTION, ChaosConfig, { plainBooleans: true }).action(
  async () => {
    const config = configOf(chaosCommand, ChaosConfig)
    const fakeTime = requirements()
    await untilInterrupted(async ({ signal }) => {
      await using logs = await openLogs(config.logs)
      const logDirectory = logs.path
      say(`seed ${config.seed}; the logs are in ${logDirectory}`)
      const watched = watchMachine()
      const record = await run(planChaos(config), { fakeTime, logDirectory, signal }).catch(error => {
        if (!signal.aborted) logs.keep()
        throw error
      })
      const conditions = watched()
      const summary = summarize(record, config.wide ? WIDE_BOUNDS : boundsFor(conditions.foreignCpuShare))
      const json = chaosJson(record, summary, conditions)
      await writeFile(join(logDirectory, 'record.json'), JSON.stringify({ ...record, plan: undefined }))
      for (const broken of summary.broken.slice(0, MAX_STORIES)) tellStory(record, broken)
      const text = drawChaos(record, json)
      process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : text)
      if (config.json) say(text)
      if (summary.broken.length === 0) return
      logs.keep()
      say(`the logs of all programs are in ${logDirectory}`)
      process.exitCode = 1
    })
  },
)

/** A directory for logs: one that was asked for stays, another goes when it is disposed of, unless it is to be kept. */
async function openLogs(wanted: string | undefined): Promise<AsyncDisposable & { path: string; keep(): void }> {
  const path = resolve(wanted ?? (await mkdtemp(join(tmpdir(), 'damselfly-chaos-'))))
  await mkdir(path, { recursive: true })
  let isKept = wanted !== undefined
  return {
    path,
    keep() {
      isKept = true
    },
    async [Symbol.asyncDispose]() {
      if (!isKept) await rm(path, { recursive: true })
    },
  }
}

async function run(
  plan: ChaosPlan,
  init: { readonly fakeTime: string; readonly logDirectory: string; readonly signal: AbortSignal },
): Promise<ChaosRecord> {
  await using scratch = await createScratchDirectory()
  const built = await buildInto(scratch.path)
  const { signal, ...places } = init
  return await runChaos(plan, { ...places, built }, { heard: say, signal })
}

function say(what: string): void {
  process.stderr.write(`${what}\n`)
}

function tellStory(record: ChaosRecord, { what, atMs }: BrokenInvariant): void {
  say(`\nBROKEN: ${what}`)
  if (atMs !== undefined) for (const line of linesAround(record, atMs)) say(`  ${line}`)
}

/** @returns the library that shifts clocks @throws DamselflyError UNSUPPORTED that says what is missing and what to do */
function requirements(): string {
  const fakeTime = fakeTimeLibrary()
  const missing = [
    ...missingNetworkRequirements(),
    ...missingDiskRequirements(),
    ...(fakeTime === undefined ? ["libfaketimeMT.so.1 (Debian's package faketime)"] : []),
  ]
  if (fakeTime !== undefined && missing.length === 0) return fakeTime
  const needs = `machines with links, disks and clocks of their own need ${NETWORK_REQUIREMENTS}, mount, faketime`
  throw new DamselflyError('UNSUPPORTED', `${needs}; missing here: ${missing.join(', ')}. Run it as root, or with sudo`)
}
