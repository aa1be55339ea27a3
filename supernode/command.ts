import { createAuditCommand } from '../lib/audit/audit-command.ts'
import { configOf, createConfigCommand } from '../lib/config/config-command.ts'
import { createTokenCommand } from '../lib/http/access/tokens/token-command.ts'
import { createLimitsCommand } from '../lib/limits/limits-command.ts'
import { createLogger } from '../lib/logger.ts'
import { runUntilSignal } from '../lib/run-until-signal.ts'
import { TOKEN_ROLES } from '../protocol/messages/token-api.ts'
import { apiDefaults } from './api-defaults.ts'
import { SupernodeConfig } from './config.ts'
import { createSupernode } from './create-supernode.ts'
import { SupernodeLimitsConfig } from './limits.ts'
import { nextStep } from './next-step.ts'
import { createOperatorCommands } from './operator-commands.ts'
import { createPreheatCommand } from './preheat-command/preheat-command.ts'

/** The command line of the program. */
export const command = createConfigCommand(
  'supernode',
  'Reads each image layer or file from its origin once, seeds it, and plans which peer gets what from whom.',
  SupernodeConfig,
).action(async () => {
  const config = configOf(command, SupernodeConfig)
  const supernode = await createSupernode(config, createLogger('supernode', config.logLevel))
  await runUntilSignal(
    supernode,
    () => ({ http: supernode.url(), peerId: supernode.peerId, p2p: supernode.addresses() }),
    () => nextStep(supernode, config),
  )
})

command
  .addCommand(createAuditCommand({ program: 'supernode', dataDir: () => configOf(command, SupernodeConfig).dataDir }))
  .addCommand(
    createLimitsCommand({
      program: 'supernode',
      schema: SupernodeLimitsConfig,
      defaults: () => apiDefaults(configOf(command, SupernodeConfig)),
      unreachable: 'SUPERNODE_UNREACHABLE',
    }),
  )
  .addCommand(
    createTokenCommand({
      program: 'supernode',
      roles: TOKEN_ROLES,
      defaults: () => apiDefaults(configOf(command, SupernodeConfig)),
      unreachable: 'SUPERNODE_UNREACHABLE',
    }),
  )

command.addCommand(createPreheatCommand({ defaults: () => apiDefaults(configOf(command, SupernodeConfig)) }))

for (const operating of createOperatorCommands({ defaults: () => apiDefaults(configOf(command, SupernodeConfig)) }))
  command.addCommand(operating)
