import type { Command } from 'commander'
import { dfgetBenchCommand } from './dfget/command.ts'
import { fanoutCommand } from './fanout/command.ts'
import { idleConnectionsCommand } from './idle-connections/command.ts'
import { lastHopCommand } from './last-hop/command.ts'
import { preheatCommand } from './preheat/command.ts'
import { pullCommand } from './pull/command.ts'
import { registrationsCommand } from './registrations/command.ts'
import { scenariosCommand } from './scenarios/command.ts'
import { schedulerCommand } from './scheduler/command.ts'
import { smallFileCommand } from './small-file/command.ts'
import { swarmCommand } from './swarm/command.ts'
import { transferCommand } from './transfer/command.ts'
import { transportCommand } from './transport/command.ts'

/** Every benchmark, as a subcommand of `npm run bench --`. */
export const BENCHMARKS: readonly Command[] = [
  dfgetBenchCommand,
  fanoutCommand,
  idleConnectionsCommand,
  lastHopCommand,
  preheatCommand,
  pullCommand,
  registrationsCommand,
  scenariosCommand,
  schedulerCommand,
  smallFileCommand,
  swarmCommand,
  transferCommand,
  transportCommand,
]
