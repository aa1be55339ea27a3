#!/usr/bin/env node
import { runCommand } from '../lib/config/config-command.ts'
import { command } from './command.ts'

await runCommand(command)
