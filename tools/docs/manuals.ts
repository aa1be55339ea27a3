import { command as dfdaemon } from '../../dfdaemon/command.ts'
import { DfdaemonConfig } from '../../dfdaemon/config.ts'
import { createDfgetCommand } from '../../dfget/cli/command.ts'
import { EXIT_MEANINGS } from '../../dfget/cli/exit-code.ts'
import { EXAMPLES } from '../../dfget/cli/manual.ts'
import { DfgetConfig } from '../../dfget/config.ts'
import { command as registryMock } from '../../registry-mock/command.ts'
import { registryMockSchema } from '../../registry-mock/config.ts'
import { command as supernode } from '../../supernode/command.ts'
import { SupernodeConfig } from '../../supernode/config.ts'
import type { Manual } from './manual-page.ts'

const DONE_OR_FAILED = [
  [0, 'done'],
  [1, 'failed; standard error says how'],
] as const

/** The programs that have a manual page. */
export const MANUALS: readonly Manual[] = [
  {
    command: createDfgetCommand(process),
    schema: DfgetConfig,
    purpose: 'download files through a swarm of peers',
    exitStatuses: EXIT_MEANINGS,
    environment: [
      [
        'XDG_CACHE_HOME',
        'Where downloads without --data-dir keep their blocks, below damselfly/dfget; ~/.cache by default.',
      ],
    ],
    files: [
      [
        '~/.cache/damselfly/dfget/',
        'Blocks of downloads that are running or were interrupted. The same command goes on from there.',
      ],
    ],
    examples: EXAMPLES,
    seeAlso: ['curl(1)', 'dfdaemon(1)', 'supernode(1)'],
  },
  {
    command: dfdaemon,
    schema: DfdaemonConfig,
    purpose: 'registry mirror on a node that pulls through a swarm of peers',
    exitStatuses: [...DONE_OR_FAILED, [2, 'wrong usage of dfdaemon doctor']],
    seeAlso: ['dfget(1)', 'supernode(1)'],
  },
  {
    command: supernode,
    schema: SupernodeConfig,
    purpose: 'seed and planner of a swarm of peers',
    exitStatuses: DONE_OR_FAILED,
    seeAlso: ['dfdaemon(1)', 'dfget(1)'],
  },
  {
    command: registryMock,
    schema: registryMockSchema,
    purpose: 'OCI registry for tests and trials',
    exitStatuses: DONE_OR_FAILED,
    seeAlso: ['dfdaemon(1)', 'supernode(1)'],
  },
]
