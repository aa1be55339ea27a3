import { existsSync } from 'node:fs'
import type { TObject } from 'typebox'
import type { MetricDefinitions } from '../../lib/metrics.ts'
import type { ConfiguredProgram } from './configuration-page.ts'
import type { MeasuredPart } from './metrics-page.ts'

/** Where each program declares its settings: file from the root, and the exported schema. */
const SCHEMAS = [
  { program: 'supernode', file: 'supernode/config.ts', name: 'SupernodeConfig' },
  { program: 'dfdaemon', file: 'dfdaemon/config.ts', name: 'DfdaemonConfig' },
  { program: 'dfget', file: 'dfget/config.ts', name: 'DfgetConfig' },
  { program: 'registry-mock', file: 'registry-mock/config.ts', name: 'registryMockSchema' },
]

/** Where each part declares its metrics: file from the root, and the exported table. */
const METRIC_TABLES = [
  { part: 'supernode', file: 'supernode/metrics.ts', name: 'SUPERNODE_METRICS' },
  { part: 'dfdaemon', file: 'dfdaemon/metrics.ts', name: 'DFDAEMON_METRICS' },
  { part: 'dfget/peer', file: 'dfget/peer/metrics.ts', name: 'PEER_METRICS' },
  { part: 'registry-mock', file: 'registry-mock/metrics.ts', name: 'REGISTRY_MOCK_METRICS' },
]

/** The programs that have settings, in the order of the page. A file that does not exist is passed over. */
export async function configuredPrograms(): Promise<ConfiguredProgram[]> {
  const programs: ConfiguredProgram[] = []
  for (const { program, file, name } of SCHEMAS) {
    const schema = await exportOf(file, name)
    if (schema !== undefined) programs.push({ program, schema: schema as TObject })
  }
  return programs
}

/** The parts that have metrics, in the order of the page. A file that does not exist is passed over. */
export async function measuredParts(): Promise<MeasuredPart[]> {
  const parts: MeasuredPart[] = []
  for (const { part, file, name } of METRIC_TABLES) {
    const metrics = await exportOf(file, name)
    if (metrics !== undefined) parts.push({ part, metrics: metrics as MetricDefinitions })
  }
  return parts
}

/** An export of a module of ours. @throws Error when the module is there but does not export it */
async function exportOf(file: string, name: string): Promise<unknown> {
  const url = new URL(`../../${file}`, import.meta.url)
  if (!existsSync(url)) return undefined
  const module: Record<string, unknown> = await import(url.href)
  if (typeof module[name] !== 'object') throw new Error(`${file} does not export ${name}`)
  return module[name]
}
