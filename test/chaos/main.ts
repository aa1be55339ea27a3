#!/usr/bin/env node
import { runCommand } from '../../lib/config/config-command.ts'
import { chaosCommand } from './command.ts'

await runCommand(chaosCommand)
