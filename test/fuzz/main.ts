#!/usr/bin/env node
import { runCommand } from '../../lib/config/config-command.ts'
import { fuzzCommand } from './command.ts'

await runCommand(fuzzCommand)
