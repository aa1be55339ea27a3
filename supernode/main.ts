#!/usr/bin/env node
import { tuneHeap } from '../lib/tune-heap.ts'

// The limit holds only if it is set before the rest of the program is loaded.
tuneHeap()
const { command } = await import('./command.ts')
const { runCommand } = await import('../lib/config/config-command.ts')
await runCommand(command)
