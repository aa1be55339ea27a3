#!/usr/bin/env node
import { guardProcess } from '../lib/process-guard.ts'
import { tuneHeap } from '../lib/tune-heap.ts'

guardProcess('supernode', 'json')
// Level, too, makes files that are for nobody else.
process.umask(0o077)
// The limit holds only if it is set before the rest of the program is loaded.
tuneHeap()
const { command } = await import('./command.ts')
const { runCommand } = await import('../lib/config/config-command.ts')
await runCommand(command)
