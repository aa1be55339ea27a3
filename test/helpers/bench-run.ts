import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { type ChildProcess, startProcess } from './process.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

/** Starts a benchmark, for the running test only. @param args its name and options */
export async function startBench(...args: string[]): Promise<ChildProcess> {
  const bench = await startProcess(process.execPath, [MAIN, ...args])
  onTestFinished(() => bench[Symbol.asyncDispose]())
  return bench
}

/** The one line on stdout of a benchmark that has come to its end. */
export async function resultOf(bench: ChildProcess): Promise<Record<string, unknown>> {
  const exit = await bench.exited
  expect([exit, bench.stderr.text()]).toEqual([{ code: 0, signal: null }, expect.any(String)])
  const lines = bench.stdout.lines()
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] ?? '')
}

/** Makes sure that figures are there and are more than nothing. */
export function expectAbove0(figures: Record<string, unknown>, keys: readonly string[]): void {
  const wrong = keys.filter(key => !(Number(figures[key]) > 0))
  expect(wrong).toEqual([])
}

/** A process that another has started. */
export interface StartedChild {
  readonly pid: number
  readonly command: string
}

/** The processes that a process has started (proc(5)), with their command lines. */
export function childrenOf(pid: number): StartedChild[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return pids.map(child => ({ pid: child, command: readFileSync(`/proc/${child}/cmdline`, 'utf8') }))
}

/** Whether a process runs still. One that has ended and waits for somebody to ask how (a zombie) does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
