import { PeerLimitsConfig } from '../dfget/peer/exchange/limits-config.ts'
import { createAuditCommand } from '../lib/audit/audit-command.ts'
import { configOf, createConfigCommand } from '../lib/config/config-command.ts'
import { createTokenCommand } from '../lib/http/access/tokens/token-command.ts'
import { createLimitsCommand } from '../lib/limits/limits-command.ts'
import { createLogger } from '../lib/logger.ts'
import { runUntilSignal } from '../lib/run-until-signal.ts'
import { apiDefaults } from './api-defaults.ts'
import { DfdaemonConfig } from './config.ts'
import { createDfdaemon } from './create-dfdaemon.ts'
import { createExplainCommand } from './explain/explain-command.ts'
import { createJoinCommand } from './join/join-command.ts'
import { createDoctorCommand } from './node/doctor/doctor-command.ts'
import { createInstallCommand, createUninstallCommand } from './node/install/install-command.ts'
import { createStoreCommand } from './store/store-command.ts'

/** The command line of the program. */
export const command = createConfigCommand(
  'dfdaemon',
  'The registry mirror on a node: container runtimes pull from it, it pulls through the swarm.',
  DfdaemonConfig,
).action(async () => {
  const config = configOf(command, DfdaemonConfig)
  const dfdaemon = await createDfdaemon(config, createLogger('dfdaemon', config.logLevel))
  await runUntilSignal(dfdaemon, () => ({ http: dfdaemon.url(), peerId: dfdaemon.peerId }))
})

command
  .addCommand(createAuditCommand({ program: 'dfdaemon', dataDir: () => configOf(command, DfdaemonConfig).dataDir }))
  .addCommand(createDoctorCommand())
  .addCommand(createExplainCommand())
  .addCommand(createInstallCommand())
  .addCommand(createJoinCommand())
  .addCommand(
    createLimitsCommand({
      program: 'dfdaemon',
      schema: PeerLimitsConfig,
      defaults: () => apiDefaults(configOf(command, DfdaemonConfig), '--url'),
      unreachable: 'DAEMON_UNREACHABLE',
    }),
  )
  .addCommand(createStoreCommand())
  .addCommand(
    createTokenCommand({
      program: 'dfdaemon',
      roles: ['viewer', 'operator'],
      defaults: () => apiDefaults(configOf(command, DfdaemonConfig), '--url'),
      unreachable: 'DAEMON_UNREACHABLE',
    }),
  )
  .addCommand(createUninstallCommand())
