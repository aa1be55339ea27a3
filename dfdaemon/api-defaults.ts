import type { Command } from 'commander'
import { configOf } from '../lib/config/config-command.ts'
import { operatorSocketOf } from '../lib/config/operator-socket-setting.ts'
import type { ApiEndpoint } from '../lib/http/client/api-endpoint.ts'
import { type ApiDefaults, type ApiOptions, chooseEndpoint } from '../lib/http/client/api-options.ts'
import { localUrl } from '../lib/http/local-url.ts'
import { DfdaemonConfig } from './config.ts'

/** Where the dfdaemon's own commands find it, by its settings. @param flag what names it otherwise */
export function apiDefaults(
  config: Pick<DfdaemonConfig, 'operatorSocket' | 'dataDir' | 'listen'>,
  flag: '--url' | '--daemon',
): ApiDefaults {
  return {
    operatorSocket: operatorSocketOf('dfdaemon', config),
    url: () => localUrl(config.listen, flag),
  }
}

/**
 * The dfdaemon that a command with `--daemon` asks. Its settings are looked at only where the options do not name it.
 * @param command that has the settings of dfdaemon
 * @throws DamselflyError CONFIG_INVALID
 */
export function daemonEndpoint(command: Command, options: ApiOptions): ApiEndpoint {
  if (options.daemon !== undefined) return chooseEndpoint(options, { operatorSocket: '', url: () => '' })
  return chooseEndpoint(options, apiDefaults(configOf(command, DfdaemonConfig), '--daemon'))
}
