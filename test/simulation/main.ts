#!/usr/bin/env node
import { runCommand } from '../../lib/config/config-command.ts'
import { simulateCommand } from './command.ts'

await runCommand(simulateCommand)
