import { requestApi } from '../../../lib/http/client/api-endpoint.ts'
import { ownersApi } from '../../helpers/join.ts'
import type { Program } from '../programs.ts'

/**
 * Reads a metric of a program, as its owner does.
 * @param series name and labels, as the text form of Prometheus writes them
 * @returns 0 where nothing was counted yet
 */
export async function readProgramMetric({ name, dataDirectory }: Program, series: string): Promise<number> {
  const { statusCode, body } = await requestApi(ownersApi(name, dataDirectory), '/metrics')
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`the metrics of ${name} have status ${statusCode}: ${text}`)
  const line = text.split('\n').find(text => text.startsWith(`${series} `))
  return Number(line?.slice(series.length) ?? 0)
}
