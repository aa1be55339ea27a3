import { DfdaemonConfig } from '../../dfdaemon/config.ts'
import { INTERCEPT_METRICS } from '../../dfdaemon/intercept/metrics.ts'
import { DFDAEMON_METRICS } from '../../dfdaemon/metrics.ts'
import { DfgetConfig } from '../../dfget/config.ts'
import { PEER_METRICS } from '../../dfget/peer/metrics.ts'
import { AUDIT_METRICS } from '../../lib/audit/metrics.ts'
import { STORE_METRICS } from '../../lib/blocks/store-metrics.ts'
import { PROTECTION_METRICS } from '../../lib/http/protection/metrics.ts'
import { registryMockSchema } from '../../registry-mock/config.ts'
import { SupernodeConfig } from '../../supernode/config.ts'
import { SUPERNODE_METRICS } from '../../supernode/metrics.ts'
import type { ConfiguredProgram } from './configuration-page.ts'
import type { MeasuredPart } from './metrics-page.ts'

/** The programs that have settings, in the order of the page. */
export const CONFIGURED_PROGRAMS: readonly ConfiguredProgram[] = [
  { program: 'supernode', schema: SupernodeConfig },
  { program: 'dfdaemon', schema: DfdaemonConfig },
  { program: 'dfget', schema: DfgetConfig },
  { program: 'registry-mock', schema: registryMockSchema },
]

/** The parts that have metrics, in the order of the page. */
export const MEASURED_PARTS: readonly MeasuredPart[] = [
  { part: 'supernode', metrics: SUPERNODE_METRICS },
  { part: 'dfdaemon', metrics: DFDAEMON_METRICS },
  { part: 'dfdaemon/intercept', metrics: INTERCEPT_METRICS },
  { part: 'dfget/peer', metrics: PEER_METRICS },
  { part: 'lib/audit', metrics: AUDIT_METRICS },
  { part: 'lib/blocks', metrics: STORE_METRICS },
  { part: 'lib/http', metrics: PROTECTION_METRICS },
]
