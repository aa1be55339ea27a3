import { operatorSocketOf } from '../lib/config/operator-socket-setting.ts'
import type { ApiDefaults } from '../lib/http/client/api-options.ts'
import { localUrl } from '../lib/http/local-url.ts'
import type { SupernodeConfig } from './config.ts'

/** Where the supernode's own commands find it, by its settings. */
export function apiDefaults(
  config: Pick<SupernodeConfig, 'operatorSocket' | 'dataDir' | 'http' | 'trial'>,
): ApiDefaults {
  return {
    operatorSocket: operatorSocketOf('supernode', config),
    url: () => localUrl(config.http.listen, '--url').replace(/^http/, config.trial ? 'http' : 'https'),
  }
}
