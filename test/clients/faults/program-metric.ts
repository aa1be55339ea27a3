import type { NetworkNode } from '../../helpers/netns.ts'
import { run } from '../../helpers/process.ts'
import type { Program } from '../programs.ts'

/**
 * Reads a metric of a program from the program's own machine.
 * @param series name and labels, as the text form of Prometheus writes them
 * @returns 0 where nothing was counted yet
 */
export async function readProgramMetric(
  { node, program }: { readonly node: NetworkNode; readonly program: Program },
  series: string,
): Promise<number> {
  const args = ['--silent', '--fail', `${program.httpUrl}/metrics`]
  const { stdout } = await run('curl', args, { namespace: node.namespace })
  const line = stdout.split('\n').find(text => text.startsWith(`${series} `))
  return Number(line?.slice(series.length) ?? 0)
}
