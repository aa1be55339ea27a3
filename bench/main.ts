#!/usr/bin/env node
import { Command } from 'commander'
import { runCommand } from '../lib/config/config-command.ts'
import { BENCHMARKS } from './benchmarks.ts'

const program = new Command('bench').description('Measurements that anybody can repeat.').showHelpAfterError()
for (const benchmark of BENCHMARKS) program.addCommand(benchmark)
await runCommand(program)
