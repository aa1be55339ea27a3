import type { Command } from 'commander'
import { pullCommand } from './pull/command.ts'

/** Every benchmark, as a subcommand of `npm run bench --`. */
export const BENCHMARKS: readonly Command[] = [pullCommand]
