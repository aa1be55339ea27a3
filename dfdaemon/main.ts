#!/usr/bin/env node
import { keepHeapSmall } from '../lib/small-heap.ts'

// The limit holds only if it is set before the rest of the program is loaded.
keepHeapSmall()
const { command } = await import('./command.ts')
const { runCommand } = await import('../lib/config/config-command.ts')
await runCommand(command)
